-- States of long streams, so that loading one costs what is new. They follow from the log and may be deleted at any time;
-- `format` names the code that made a state, and another version of it does not read it.
create table snapshots (
    stream  text collate "C" primary key,
    version bigint not null,
    format  text collate "C" not null,
    state   bytea not null
);
alter table snapshots owner to {owner};
grant select, insert, update, delete on snapshots to {app};
grant select on snapshots to {projector}, {auditor};
