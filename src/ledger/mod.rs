//! What makes "once" true: locks, approvals spent, what was begun, versions, receipts.
