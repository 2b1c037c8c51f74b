select r.log, r.tx::text as tx, r.id, r.fields
from (
    (select 'audit' as log, a.tx, a.id,
            array[a.tenant_id::text, a.id::text, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.actor_kind,
                  a.actor_id::text, a.actor_name, a.action, a.target_kind, a.target_id::text, encode(a.before_digest, 'hex'),
                  encode(a.after_digest, 'hex'), a.request_id, a.source_address, a.detail::text, a.tx::text] as fields
     from audit a
     where a.epoch = $1
       and (a.tx, a.id) > ($2::text::xid8, $3::uuid)
       and (a.tx, a.id) <= ($4::text::xid8, $5::uuid)
     order by a.tx, a.id
     limit $6)
    union all
    (select 'events' as log, e.tx, e.id,
            array[e.tenant_id::text, e.id::text, e.run_id::text, e.task_run_id::text, e.attempt_id::text, e.from_state, e.to_state,
                  e.reason, e.actor_kind, e.actor_id::text, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                  e.detail::text, e.tx::text] as fields
     from events e
     where e.epoch = $1
       and (e.tx, e.id) > ($2::text::xid8, $3::uuid)
       and (e.tx, e.id) <= ($4::text::xid8, $5::uuid)
     order by e.tx, e.id
     limit $6)
) r
order by r.tx, r.id, r.log
limit $6
