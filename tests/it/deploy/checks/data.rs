//! The database, keys, and what a function is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::{config::Function, db::logins};

use super::{functions, unless};
use crate::deploy::settings;
use crate::deploy::template::{ROOT, Stacks, list, object};

/// Connections kept for people and the server itself.
const KEPT: usize = 10;

/// Encrypted, private, over TLS only, backed up, hard to delete, and its log holds no tenant's data.
pub(super) fn database(stacks: &Stacks) -> Vec<String> {
    let properties = &stacks.get("Database", "Postgres")["Properties"];
    let parameters = &stacks.get("Database", "Parameters")["Properties"]["Parameters"];
    let wanted = [
        ("StorageEncrypted", json!(true)),
        ("PubliclyAccessible", json!(false)),
        ("DeletionProtection", json!(true)),
    ];
    let mut wrong: Vec<String> =
        wanted.iter().filter_map(|(name, value)| unless(properties[*name] == *value, *name)).collect();
    let kept = properties["BackupRetentionPeriod"].as_u64().unwrap_or_default();
    wrong.extend(unless(kept >= 7, format!("backups are kept {kept} days")));
    let steward = &stacks.get(ROOT, "Steward")["Properties"]["Environment"]["Variables"];
    let told = &steward["SIGNALBOX_SNAPSHOT_DAYS"];
    wrong.extend(unless(
        *told == json!(kept.to_string()),
        format!("certificates say {told} days, not {kept}"),
    ));
    let wanted = [
        ("rds.force_ssl", "1"),
        ("password_encryption", "scram-sha-256"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_statement", "none"),
    ];
    wrong.extend(wanted.iter().filter_map(|(name, value)| unless(parameters[*name] == *value, *name)));
    let used = stacks.target("Database", &properties["DBParameterGroupName"]);
    wrong.extend(unless(used.is_some_and(|(_, id)| id == "Parameters"), "the parameter group is not used"));
    let resolved = properties["MasterUserPassword"]["Fn::Sub"].as_str().unwrap_or_default();
    wrong.extend(unless(
        resolved.starts_with("{{resolve:secretsmanager:"),
        "the password stands in the template",
    ));
    wrong
}

/// Every function at its full concurrency fits within its login's connections, and all logins within the server's.
pub(super) fn connections(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut sum = KEPT;
    for function in functions(stacks) {
        let reserved = function.body["Properties"]["ReservedConcurrentExecutions"].as_u64();
        wrong.extend(unless(reserved.is_some(), format!("{}: no reserved concurrency", function.id)));
        let pool = settings::started(&function.id.to_lowercase()).database().max_connections;
        let most = usize::try_from(reserved.unwrap_or_default()).expect("a small number") * pool;
        let login = function.id.to_lowercase().parse::<Function>().map_or(0, logins::connections);
        wrong.extend(unless(
            most <= login,
            format!("{}: {most} connections of its login's {login}", function.id),
        ));
        sum += login;
    }
    let parameters = &stacks.get("Database", "Parameters")["Properties"]["Parameters"];
    let limit = parameters["max_connections"].as_str().and_then(|text| text.parse::<usize>().ok());
    wrong.extend(unless(limit.is_some_and(|limit| sum <= limit), format!("{sum} connections of {limit:?}")));
    wrong
}

/// The key rotates and outlives the stack, as does what cannot be made again; secrets are encrypted with it.
pub(super) fn keys(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for (stack, id) in [("Secrets", "Key"), ("Secrets", "RootKey")] {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            wrong.extend(unless(stacks.get(stack, id)[policy] == "Retain", format!("{id}: {policy}")));
        }
    }
    let database = &stacks.get("Database", "Postgres")["DeletionPolicy"];
    wrong.extend(unless(*database == "Snapshot", "the database goes with the stack"));
    let rotates = stacks.get("Secrets", "Key")["Properties"]["EnableKeyRotation"] == true;
    wrong.extend(unless(rotates, "the key does not rotate"));
    for secret in stacks.of_type("AWS::SecretsManager::Secret") {
        let properties = &secret.body["Properties"];
        wrong.extend(unless(properties["KmsKeyId"].is_object(), format!("{}: not under our key", secret.id)));
        wrong.extend(unless(properties["SecretString"].is_null(), format!("{}: written down", secret.id)));
    }
    wrong
}

/// Each login's secret says whose it is, by the names the steward's `install` gives rights to.
pub(super) fn logins(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for function in functions(stacks) {
        let secret = stacks.get("Database", &format!("{}Login", function.id));
        let generate = &secret["Properties"]["GenerateSecretString"];
        let template = &generate["SecretStringTemplate"];
        let text = template["Fn::Sub"].as_str().or(template.as_str()).unwrap_or_default();
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let name = function.id.to_lowercase();
        let right = said["function"] == name && said["username"] == format!("signalbox_{name}");
        wrong.extend(unless(right, format!("{}: {text}", function.id)));
        let long =
            generate["PasswordLength"].as_u64() >= Some(32) && generate["GenerateStringKey"] == "password";
        wrong.extend(unless(long, format!("{}: a weak password", function.id)));
        let further = &secret["Properties"]["Name"]["Fn::If"];
        let named = format!("${{Installation}}/login/{name}/${{Name}}");
        let right = *further == json!(["IsFurther", { "Fn::Sub": named }, { "Ref": "AWS::NoValue" }]);
        wrong.extend(unless(right, format!("{}: in a further database {further}", function.id)));
    }
    wrong
}

/// Each function is told exactly what docs/configuration.md says; secrets by ARN only, and never an egress exception.
pub(super) fn environment(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let globals = stacks.globals();
    for function in functions(stacks) {
        let own = &function.body["Properties"]["Environment"]["Variables"];
        let told: BTreeMap<&String, &Value> = object(globals).chain(object(own)).collect();
        let names: BTreeSet<String> = told.keys().map(|name| (*name).clone()).collect();
        let wanted = settings::documented(&function.id.to_lowercase());
        let differ: Vec<&String> = names.symmetric_difference(&wanted).collect();
        wrong.extend(unless(differ.is_empty(), format!("{}: {differ:?}", function.id)));
        wrong.extend(unless(!names.contains("SIGNALBOX_EGRESS_ALLOW"), format!("{}: egress", function.id)));
        for (name, value) in told.iter().filter(|(name, _)| name.ends_with("SECRET_ARN")) {
            let secret = stacks.target(ROOT, value).is_some();
            wrong.extend(unless(secret, format!("{}: {name} is no secret's ARN", function.id)));
        }
        let prefix = further_logins(&function.id.to_lowercase());
        let right = own["SIGNALBOX_MORE_DATABASES_PREFIX"] == prefix;
        wrong.extend(unless(right, format!("{}: logins in further databases", function.id)));
        let others = &own["SIGNALBOX_LOGIN_SECRET_PREFIXES"]["Fn::Join"][1];
        let known = others.is_null() || *others == others_logins(stacks, function.id);
        wrong.extend(unless(known, format!("{}: others' logins in further databases", function.id)));
        let login = stacks.target(ROOT, &own["SIGNALBOX_DATABASE_SECRET_ARN"]).unwrap_or_default().1;
        let own_login = login.trim_end_matches("Attachment") == format!("{}Login", function.id);
        wrong.extend(unless(own_login, format!("{}: login {login}", function.id)));
    }
    wrong
}

/// What the names of a function's logins in further databases begin with, as functions are told.
fn further_logins(function: &str) -> Value {
    json!({ "Fn::Sub": format!("${{AWS::StackName}}/login/{function}/") })
}

/// The same of all but one function, in the template's order of logins.
fn others_logins(stacks: &Stacks, but: &str) -> Value {
    let logins = &stacks.get(ROOT, but)["Properties"]["Environment"]["Variables"]["SIGNALBOX_LOGIN_SECRET_ARNS"]
        ["Fn::Join"][1];
    let secrets = list(logins).into_iter().filter_map(|login| stacks.target(ROOT, login));
    secrets.map(|(_, id)| further_logins(&id.trim_end_matches("Login").to_lowercase())).collect()
}
