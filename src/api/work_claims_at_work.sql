-- Whether somebody is at it now, rather than waiting for its next look. Whoever died at it is found out when the lease ends.
alter table work_claims add column at_work boolean not null default false;
