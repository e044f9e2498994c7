-- What the gateway sent about a payment: its order ids begin with the payment's id.
create index inbox_by_order on inbox (order_id collate "C", received_at);
