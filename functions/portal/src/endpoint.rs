//! Handlers as values: a function of arguments that gives an answer. What it takes and answers is read from its type.

use std::{future::Future, pin::Pin};

use utoipa::{
    ToSchema,
    openapi::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
};

use crate::{
    argument::{Argument, Described, Taking},
    document::{Answers, Schemas},
    fault::{Answered, Fault},
    reply::{Answer, Download, Reply},
    serve::Incoming,
};

/// A handler at work.
pub(crate) type Running = Pin<Box<dyn Future<Output = Answered<Reply>> + Send>>;

/// A function that can stand in a route. `Args` are its arguments.
pub(crate) trait Endpoint<Args>: Copy + Send + Sync + 'static {
    /// Reads the arguments and starts.
    fn start(self, incoming: &Incoming) -> Result<Running, Fault>;
    /// What it takes.
    fn describe_arguments(into: &mut Described);
    /// What it answers.
    fn describe_answer(schemas: &mut Schemas) -> Answers;
}

/// What a handler answers with.
pub(crate) trait Outcome: Send + 'static {
    /// The bytes.
    fn into_reply(self) -> Reply;
    /// What the document says of it.
    fn describe(schemas: &mut Schemas) -> Answers;
}

impl<const STATUS: u16, T: ToSchema + 'static> Outcome for Answer<STATUS, T> {
    fn into_reply(self) -> Reply {
        self.into_reply()
    }

    fn describe(schemas: &mut Schemas) -> Answers {
        let body = (STATUS != 204).then(|| schemas.reference::<T>());
        Answers { status: STATUS, content_type: "application/json", body }
    }
}

impl Outcome for Download {
    fn into_reply(self) -> Reply {
        self.0.into_reply()
    }

    fn describe(_: &mut Schemas) -> Answers {
        let bytes = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        Answers { status: 200, content_type: Download::CONTENT_TYPE, body: Some(Schema::from(bytes).into()) }
    }
}

macro_rules! endpoint {
    ($($argument:ident $value:ident)*) => {
        impl<F, Fut, A, $($argument,)*> Endpoint<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Copy + Send + Sync + 'static,
            Fut: Future<Output = Answered<A>> + Send + 'static,
            A: Outcome,
            $($argument: Argument,)*
        {
            fn start(self, incoming: &Incoming) -> Result<Running, Fault> {
                let taking = &mut Taking::new(incoming);
                $(let $value = $argument::take(taking)?;)*
                let _ = taking;
                let running = self($($value),*);
                Ok(Box::pin(async move { running.await.map(Outcome::into_reply) }))
            }

            fn describe_arguments(into: &mut Described) {
                $($argument::describe(into);)*
                let _ = into;
            }

            fn describe_answer(schemas: &mut Schemas) -> Answers {
                A::describe(schemas)
            }
        }
    };
}
endpoint!();
endpoint!(A1 a1);
endpoint!(A1 a1 A2 a2);
endpoint!(A1 a1 A2 a2 A3 a3);
endpoint!(A1 a1 A2 a2 A3 a3 A4 a4);
