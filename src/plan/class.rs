//! stub
 use super::judgement::*; use crate::document::effect::*; use crate::document::ident::*; use crate::document::operation::*; use serde_json::Value;
 #[doc="x"] pub fn classify(c:&[Case<'_>],_f:&Facts)->Vec<Judgement>{c.iter().map(|_| Judgement{class:Class::Mutating,certainty:Certainty::Certain,flags:Default::default(),reasons:vec![]}).collect()}
 #[doc="x"] pub fn replace_paths(_r:&ResourceRef,_b:&Value,_a:&Value)->Vec<Pointer>{vec![]}
 #[doc="x"] pub fn sensitive(_r:&ResourceRef)->Vec<Pointer>{vec![]}
