//! The demo's job: `demo/job.json`, with each task's statement in a file of its own.

use serde_json::{Value, json};

const JOB: &str = include_str!("../../demo/job.json");
const STATEMENTS: [(&str, &str); 5] = [
    ("tasks/load.sql", include_str!("../../demo/tasks/load.sql")),
    ("tasks/clean.sql", include_str!("../../demo/tasks/clean.sql")),
    ("tasks/months.sql", include_str!("../../demo/tasks/months.sql")),
    ("tasks/extremes.sql", include_str!("../../demo/tasks/extremes.sql")),
    ("tasks/check.sql", include_str!("../../demo/tasks/check.sql")),
];

/// The body that the API is sent.
pub(super) fn definition() -> Value {
    let mut job: Value = serde_json::from_str(JOB).expect("the file is JSON: a test reads it");
    for task in job["tasks"].as_array_mut().into_iter().flatten() {
        let file = task["start"]["sql"].as_str();
        let text = STATEMENTS.iter().find(|(name, _)| Some(*name) == file).map(|(_, text)| text.trim_end());
        task["start"]["sql"] = json!(text);
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataFolder;
    use crate::postgres::{Databases, Server, connect};
    use crate::{seed, settings};

    #[tokio::test]
    async fn every_statement_runs_on_the_real_data_and_may_run_again() {
        let path = std::env::temp_dir().join(format!("signalbox-seed-{}", std::process::id()));
        let folder = DataFolder::open(&path, true).unwrap();
        let guard = settings::binaries().join("signalbox");
        let server = Server::start(&folder, &settings::local_folder(), &guard).await.unwrap();
        let login = Databases::ensure(&server, &folder, (&[], false)).await.unwrap().warehouse;
        seed::warehouse(&login).await.unwrap();
        seed::warehouse(&login).await.unwrap();
        let client = connect(&login.url()).await.unwrap();
        let definition = definition();
        for task in
            definition["tasks"].as_array().unwrap().iter().chain(definition["tasks"].as_array().unwrap())
        {
            let sql = task["start"]["sql"].as_str().unwrap();
            let done = match task["start"]["args"].as_array() {
                Some(_) => client.query(sql, &[&jiff::civil::date(2012, 1, 1)]).await,
                None => client.query(sql, &[]).await,
            };
            assert!(done.is_ok(), "{}: {done:?}", task["name"]);
        }
        let count = "select count(*), (select count(*) from report.months), (select count(*) from report.extremes) from clean.weather";
        let row = client.query_one(count, &[]).await.unwrap();
        assert_eq!([row.get::<_, i64>(0), row.get(1), row.get(2)], [2_922, 96, 2]);
        client.batch_execute("delete from report.months where city = 'Seattle'").await.unwrap();
        let check = definition["tasks"][4]["start"]["sql"].as_str().unwrap();
        let refused = client.query(check, &[]).await.unwrap_err();
        assert!(refused.as_db_error().unwrap().message().starts_with("quality check failed: "));
        server.stop().await;
        std::fs::remove_dir_all(path).unwrap();
    }
}
