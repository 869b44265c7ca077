//! stub
use super::judgement::*; use crate::document::effect::*; #[doc="x"] pub fn impact(_c:&[Case<'_>],_j:&[Judgement],_f:&Facts,_u:&std::collections::BTreeSet<String>)->Impact{Impact::default()}
