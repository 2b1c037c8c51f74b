//! Workspaces that do not fit into one file: exports and backups in parts.

use std::time::Instant;

use local::verify;
use serde_json::json;
use tests::{archive, database, stack, tenant};

const ROWS: i64 = 30_000;

#[test]
fn a_large_workspace_is_exported_and_restored_in_parts() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let client = database::superuser(stack).await;
        let fill = format!(
            "insert into \"{}\".audit (tenant_id, id, at, actor_kind, actor_name, action, target_kind, request_id)
             select $1, gen_random_uuid(), now(), 'system', repeat('n', 100), 'plant.row', 'plant', md5(n::text)
             from generate_series(1, {ROWS}) n",
            tenant.schema
        );
        client.execute(&fill, &[&tenant.id]).await.expect("rows");

        let begun = Instant::now();
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let rate = export["result"]["rows"].as_f64().expect("rows") / begun.elapsed().as_secs_f64();
        eprintln!("exported {rate:.0} rows a second");
        let (folder, keys) = archive::fetch(by, &export).await;
        let checked = verify::export::export(&folder, &keys).expect("it holds");
        assert!(checked.rows > ROWS.unsigned_abs(), "{checked}");
        let parts = archive::files(&folder);
        let audit = parts.iter().filter(|(path, _)| path.to_string_lossy().contains("audit-")).count();
        assert!(audit >= 3, "{audit} parts");
        assert!(parts.iter().all(|(_, bytes)| bytes.len() <= 4 * 1024 * 1024));

        let begun = Instant::now();
        let kept = archive::done(by, "/workspace/backups", &json!({})).await;
        eprintln!("backed up in {:?}", begun.elapsed());
        assert!(kept["result"]["files"].as_u64().is_some_and(|files| files >= 3), "{kept:#}");
        let begun = Instant::now();
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &body).await;
        eprintln!("restored in {:?}", begun.elapsed());
        let ask = "select schema_name from system.tenants where id = $1::text::uuid";
        let sandbox = made["result"]["workspace_id"].as_str().expect("a workspace");
        let schema: String = client.query_one(ask, &[&sandbox]).await.expect("placed").get(0);
        let ask = format!("select count(*) from \"{schema}\".audit where action = 'plant.row'");
        let rows: i64 = client.query_one(&ask, &[]).await.expect("a count").get(0);
        assert_eq!(rows, ROWS);

        // Parts that change places are noticed, each being bound to its number.
        let shelf = archive::shelf(stack, tenant.id, "backup", &kept);
        let (one, two) = (shelf.join("part-0001"), shelf.join("part-0002"));
        let (first, second) = (std::fs::read(&one).expect("read"), std::fs::read(&two).expect("read"));
        std::fs::write(&one, second).expect("written");
        std::fs::write(&two, first).expect("written");
        let ended = archive::ended(by, "/workspace/restores", &body).await;
        assert_eq!(ended["state"], "failed", "{ended:#}");
    });
}
