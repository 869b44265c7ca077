//! A plan and a policy bundle become a verdict, in a worker process. The engine stays inside.
