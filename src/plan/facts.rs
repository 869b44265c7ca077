//! stub
use super::judgement::*; use crate::document::effect::*; use crate::observe::*; #[doc="x"] pub enum Coverage { #[doc="x"] Tree }
 #[doc="x"] pub fn extract(_c:&[Case<'_>],_s:&Surroundings,_t:Coverage)->Facts{Facts::default()} 
