//! Every statement of the product is prepared and run, with nothing but nulls, under the scope it is written for: a wrong
//! column, a missing grant or a name that only a superuser's path finds fails here and not in production.

use std::{collections::HashMap, error::Error, fs, path::Path};

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

/// The owner, outside of any workspace.
const OWNER: &str = "set role signalbox_owner";

/// A connection in the scope that statements of this folder are written for.
async fn scoped(stack: &Stack, workspace: &Workspace, folder: &str) -> Client {
    let (client, enter) = match folder.strip_prefix("system") {
        // The steward's, on schema `system`.
        None if ["backfills", "isolation", "rollouts", "roots", "rotations"].contains(&folder) => {
            (database::superuser(stack).await, OWNER.to_owned())
        }
        None if folder == "owner" => {
            let Workspace { id, schema, .. } = workspace;
            let enter = format!(
                "set role signalbox_owner; set search_path = \"{schema}\", pg_temp; set app.tenant_id = '{id}'"
            );
            (database::superuser(stack).await, enter)
        }
        None => return database::inside(stack, workspace).await,
        Some("") => (database::superuser(stack).await, OWNER.to_owned()),
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
async fn prepare(client: &Client, text: &str, columns: &Columns) -> Result<Statement, String> {
    let mut guesses = vec![unnested(text, columns)];
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
                put(&mut types, n, guess);
                guesses.push(types);
            }
        }
        // What a `case` chooses is text until somebody says otherwise; of the product's it is always an instant.
        let chosen = (1..=99).take_while(|n| text.contains(&format!("${n}"))).last().unwrap_or_default();
        if error.code() == Some(&SqlState::DATATYPE_MISMATCH) && types.len() < chosen {
            let mut types = types.clone();
            put(&mut types, chosen, Type::TIMESTAMPTZ);
            guesses.push(types);
        }
        first.get_or_insert(said);
    }
    Err(first.unwrap_or_default())
}

/// The array type of the columns of this name, over all tenant tables.
type Columns = HashMap<String, Type>;

async fn columns(client: &Client, schema: &str) -> Columns {
    let ask = "select a.attname::text, t.typarray from pg_attribute a join pg_class c on c.oid = a.attrelid
               join pg_type t on t.oid = a.atttypid
               where c.relnamespace = $1::text::regnamespace and c.relkind = 'r' and a.attnum > 0";
    let rows = client.query(ask, &[&schema]).await.expect("the catalog");
    rows.iter().filter_map(|row| Some((row.get(0), Type::from_oid(row.get(1))?))).collect()
}

/// The types of `unnest($1, $2, …) as i (id, new_state, …)`: a column of the list is what the table's column of its name is.
fn unnested(text: &str, columns: &Columns) -> Vec<Type> {
    let mut types = Vec::new();
    let words = |list: &str| list.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>();
    for part in text.split("unnest(").skip(1) {
        let Some((parameters, rest)) = part.split_once(')') else { continue };
        let Some((_, names)) = rest.split_once('(') else { continue };
        let names = words(names.split(')').next().unwrap_or_default());
        for (parameter, name) in words(parameters).iter().zip(names) {
            let bare = name.trim_start_matches("old_").trim_start_matches("new_");
            let suffix = format!("_{bare}");
            let known = columns.get(bare).or_else(|| {
                columns.iter().find(|(column, _)| column.ends_with(&suffix)).map(|(_, column)| column)
            });
            let number = parameter.trim_start_matches('$').parse();
            if let (Some(known), Ok(number)) = (known, number) {
                put(&mut types, number, known.clone());
            }
        }
    }
    types
}

fn put(types: &mut Vec<Type>, parameter: usize, known: Type) {
    types.resize(types.len().max(parameter), Type::UNKNOWN);
    types[parameter - 1] = known;
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
        let columns = columns(&database::superuser(stack).await, &workspace.schema).await;
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
            let statement = match prepare(client, text, &columns).await {
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
