//! Every statement of the product is prepared and run, with nothing but nulls, under the scope it is written for: a wrong
//! column, a missing grant or a name that only a superuser's path finds fails here and not in production.

use std::{error::Error, fs, path::Path};

use local::{settings, stack::Stack};
use tests::{database, stack, tenant::Workspace};
use tokio_postgres::{
    Client, Statement,
    error::SqlState,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

/// A null of whatever type is asked for.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Path below `shared/sql` and text of every statement.
fn statements() -> Vec<(String, String)> {
    let root = settings::workspace().join("shared/sql");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort();
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of statements").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            files.push((name, fs::read_to_string(&path).expect("a statement")));
        }
    }
}

/// A connection in the scope that statements of this folder are written for.
async fn scoped(stack: &Stack, workspace: &Workspace, folder: &str) -> Client {
    let Workspace { schema, id, .. } = workspace;
    let tenant =
        format!("set role \"{schema}\"; set search_path = \"{schema}\", pg_temp; set app.tenant_id = '{id}'");
    let (client, enter) = match folder.strip_prefix("system") {
        None => (database::login(stack, "portal").await, tenant),
        Some("") => (database::superuser(stack).await, "set role signalbox_owner".to_owned()),
        Some(function) => {
            let function = function.trim_start_matches('_');
            (database::login(stack, function).await, format!("set role system_{function}"))
        }
    };
    client.batch_execute(&enter).await.expect("a scope");
    client
}

/// Prepares a statement. The product names each parameter's type as it binds; where the text alone does not tell one, each
/// type that parameters have is tried.
async fn prepare(client: &Client, text: &str) -> Result<Statement, String> {
    let mut guesses: Vec<Vec<Type>> = vec![Vec::new()];
    let mut first = None;
    while let Some(types) = guesses.pop() {
        let error = match client.prepare_typed(text, &types).await {
            Ok(statement) => return Ok(statement),
            Err(error) => error,
        };
        let said = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
        let untold = [SqlState::INDETERMINATE_DATATYPE, SqlState::AMBIGUOUS_PARAMETER];
        let untold = error.code().is_some_and(|code| untold.contains(code));
        let parameter = said.rsplit_once('$').and_then(|(_, n)| n.trim().parse::<usize>().ok());
        if let (true, Some(n)) = (untold, parameter) {
            for guess in [Type::INT4, Type::TIMESTAMPTZ, Type::UUID, Type::TEXT] {
                let mut types = types.clone();
                types.resize(types.len().max(n), Type::UNKNOWN);
                types[n - 1] = guess;
                guesses.push(types);
            }
        }
        first.get_or_insert(said);
    }
    Err(first.unwrap_or_default())
}

/// Refusals that come after the server has found every name and checked every privilege.
fn is_about_nulls(code: &SqlState) -> bool {
    ["22", "23", "SB", "P0"].iter().any(|class| code.code().starts_with(class))
}

#[test]
fn every_statement_prepares_and_is_permitted_in_its_scope() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let files = statements();
        assert!(files.len() > 30, "the statements are there: {}", files.len());
        let mut wrong = Vec::new();
        let mut folder = String::new();
        let mut client = None;
        for (name, text) in &files {
            let of = name.split('/').next().unwrap_or_default();
            if of != folder || client.is_none() {
                client = Some(scoped(stack, &workspace, of).await);
                folder = of.to_owned();
            }
            let client = client.as_ref().expect("connected");
            let statement = match prepare(client, text).await {
                Ok(statement) => statement,
                Err(why) => {
                    wrong.push(format!("{name} does not prepare: {why}"));
                    continue;
                }
            };
            let nulls: Vec<&(dyn ToSql + Sync)> = statement.params().iter().map(|_| &Null as _).collect();
            client.batch_execute("begin").await.expect("a transaction");
            if let Err(error) = client.query(&statement, &nulls).await {
                let code = error.code().expect("the server's word").clone();
                if !is_about_nulls(&code) {
                    wrong.push(format!("{name} is refused: {error:?}"));
                }
            }
            client.batch_execute("rollback").await.expect("nothing stays");
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
