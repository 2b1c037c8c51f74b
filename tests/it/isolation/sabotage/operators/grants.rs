//! What a grant opens, and what operators are told without one.

use super::{Sabotage, bent, sql};

/// Of grants.
pub(super) const GRANTS: &[Sabotage] = &[
    bent(
        "a look takes a grant",
        "operator_look",
        "system.operator_grant_open(p_operator, p_tenant)",
        "(select g from system.operator_grants g limit 1)",
    ),
    bent(
        "a scope takes a grant",
        "authorize_operator",
        "system.operator_grant_open(p_operator, p_tenant)",
        "(select g from system.operator_grants g limit 1)",
    ),
    bent("a grant is the operator's", "operator_grant_open", "g.operator_id = p_operator and", ""),
    bent("a grant is for one workspace", "operator_grant_open", "and g.tenant_id = p_tenant", ""),
    bent("a grant is closed early", "operator_grant_open", "and g.closed_at is null", ""),
    bent("a grant expires", "operator_grant_open", "and g.expires_at > system.now()", ""),
    bent("no grant is refused", "operator_grant_open", "if not found then", "if false then"),
    bent("a scope names its schema", "authorize_operator", "and t.schema_name = p_schema", ""),
    bent(
        "nobody enters what is purged",
        "authorize_operator",
        "'suspended', 'deleting')",
        "'suspended', 'deleting', 'purging')",
    ),
    bent(
        "nobody enters what is deleted",
        "authorize_operator",
        "'suspended', 'deleting')",
        "'suspended', 'deleting', 'deleted')",
    ),
    bent(
        "nobody looks into what is purged",
        "operator_tenant",
        "'suspended', 'deleting')",
        "'suspended', 'deleting', 'purging')",
    ),
    bent(
        "nobody looks into what is deleted",
        "operator_tenant",
        "'suspended', 'deleting')",
        "'suspended', 'deleting', 'deleted')",
    ),
    bent(
        "nobody is granted what is nobody's",
        "operator_tenant",
        "'suspended', 'deleting')",
        "'suspended', 'deleting', 'spare')",
    ),
    bent(
        "a look is into what is there",
        "operator_look",
        "system.operator_tenant(p_tenant)",
        "(select t from system.tenants t where t.id = p_tenant)",
    ),
    bent(
        "a grant is for what is there",
        "operator_grant",
        "system.operator_tenant(p_tenant)",
        "(select t from system.tenants t where t.id = p_tenant)",
    ),
    bent("one grant a workspace is open", "operator_grant", "if exists", "if false and exists"),
    bent("five grants are open", "operator_grant", ">= 5", ">= 6"),
    bent(
        "the cap counts an operator's own",
        "operator_grant",
        "g where g.operator_id = v_operator.id\n        and",
        "g where false and",
    ),
    bent("a grant closed is one's own", "operator_grant_close", "g.operator_id = v_operator.id", "true"),
    bent(
        "a grant told at its end is one's own",
        "operator_grant_close",
        "g.id = p_id and g.operator_id = v_operator.id;",
        "g.id = p_id;",
    ),
    bent("a grant ends once", "operator_grant_close", "and g.closed_at is null and", "and"),
    bent("grants listed are one's own", "operator_grants", "g.operator_id = v_operator.id and", ""),
    sql(
        "a grant lasts an hour",
        "alter table system.operator_grants drop constraint operator_grants_minutes_check",
    ),
    sql(
        "a grant has a reason",
        "alter table system.operator_grants drop constraint operator_grants_reason_check",
    ),
    sql(
        "a grant has a ticket",
        "alter table system.operator_grants drop constraint operator_grants_ticket_check",
    ),
];

/// Of the overview.
pub(super) const OVERVIEW: &[Sabotage] = &[
    bent(
        "messages counted are the workspace's",
        "overview_of",
        "system.outbox b where b.tenant_id = (p_tenant).id",
        "system.outbox b",
    ),
    bent(
        "instants counted are the workspace's",
        "overview_of",
        "where i.tenant_id = (p_tenant).id and",
        "where",
    ),
    bent(
        "operations counted are the workspace's",
        "overview_of",
        "system.operations n where n.tenant_id = (p_tenant).id",
        "system.operations n",
    ),
    bent(
        "members counted for operators are the workspace's",
        "overview_of",
        "where p.tenant_id = (p_tenant).id and",
        "where",
    ),
    bent("what was measured is the workspace's", "overview_of", "where k.tenant_id = (p_tenant).id", ""),
    bent("a failed rollout is the workspace's", "overview_of", "where f.tenant_id = (p_tenant).id", ""),
    bent(
        "what is measured holds no words",
        "overview_of",
        "to_jsonb(k) - 'tenant_id'",
        "to_jsonb(k) || jsonb_build_object('said', (select max(n.error) from system.operations n where n.tenant_id = k.tenant_id))",
    ),
    bent("an operation's failure is not told", "overview_operations", "n.state, n.step", "n.state, n.error"),
    bent(
        "what was asked for is not told",
        "overview_operations",
        "n.state, n.step",
        "n.state, n.request::text",
    ),
    bent(
        "what is under way is not told",
        "overview_operations",
        "n.state, n.step",
        "n.state, n.progress::text",
    ),
    bent("what was found is not told", "overview_operations", "n.state, n.step", "n.state, n.result::text"),
    bent(
        "a migration's error is not told",
        "overview_totals",
        "select e.tenant_id, e.at from",
        "select e.tenant_id, e.error as at from",
    ),
    bent(
        "workspaces listed are a customer's",
        "overview_list",
        "t.state in ('active', 'suspending', 'suspended', 'deleting', 'purging') and",
        "",
    ),
    bent(
        "a workspace told of is a customer's",
        "overview_get",
        "and t.state in ('active', 'suspending', 'suspended', 'deleting', 'purging')",
        "",
    ),
];
