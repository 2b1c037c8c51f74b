-- $1 tenant, $2 this transaction's id, $3 the id below which every transaction has ended and is sealed.
--
-- May a due row go? A writer W that found it open added none of its own, and may still be under way. W had its transaction
-- id before it looked (it had inserted its rows), and looked before the sealing's claim, which closed the row, was committed.
-- This transaction began after that commit, so its own id, $2, is above W's: once everything below $2 has ended and been
-- sealed, no such W is left. A row that was given its horizon by an earlier pass goes by that one.
delete from system.due d
where d.tenant_id = $1
  and d.kind = 'seal'
  and d.horizon is not null
  and least(d.horizon, $2::text::xid8) <= $3::text::xid8
