update attempts a
set state = i.new_state,
    reason = i.new_reason,
    epoch = i.new_epoch,
    external_id = coalesce(i.external_id, a.external_id),
    external_url = coalesce(i.external_url, a.external_url),
    platform_state = coalesce(i.platform_state, a.platform_state),
    warning = coalesce(i.warning, a.warning),
    error_class = i.error_class,
    error_message = i.error_message,
    lease_until = i.lease_until,
    deadline_at = i.deadline_at,
    cancel_sent_at = case when i.new_reason = 'cancelling' then coalesce(a.cancel_sent_at, $15) else a.cancel_sent_at end,
    started_at = case
        when i.new_reason = 'dispatching' then a.started_at
        when i.new_state = 'active' then coalesce(a.started_at, $15)
        else coalesce(a.started_at, a.created_at)
    end,
    finished_at = case when i.new_state = 'active' then null else $15 end
from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    as i (id, old_epoch, old_reason, new_state, new_reason, new_epoch, external_id, external_url, platform_state, warning,
          error_class, error_message, lease_until, deadline_at)
where a.id = i.id and a.epoch = i.old_epoch and a.state = 'active' and a.reason = i.old_reason
returning a.id
