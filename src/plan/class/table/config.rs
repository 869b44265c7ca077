//! ConfigMap and Secret.

use super::When::Becomes;
use super::short::{A, M, MAY, O, R, SURE};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const LOST: &[Flag] = &[Flag::Irreversible];

const CONFIG_MAP: &[Row] = &[
    least("/data/**", "data"),
    least("/binaryData/**", "data"),
    row("/immutable", M, SURE, "immutable", ""),
    row("/immutable", M, SURE, "frozen", "can never be changed again")
        .when(Becomes("true"))
        .flag(LOST),
];

// A plan holds no old value, so none can be put back.
const SECRET: &[Row] = &[
    least("/data/**", "value").flag(LOST),
    least("/stringData/**", "value").flag(LOST),
    row("/immutable", M, SURE, "immutable", ""),
    row("/immutable", M, SURE, "frozen", "can never be changed again")
        .when(Becomes("true"))
        .flag(LOST),
    least("/type", "type"),
];

pub(super) const ROWS: &[Rows] = &[
    Rows {
        group: "",
        kind: "ConfigMap",
        create: whole(A, SURE, ""),
        update: CONFIG_MAP,
        delete: whole(M, SURE, ""),
        replace: whole(O, MAY, "pods that start in between do not find it"),
    },
    Rows {
        group: "",
        kind: "Secret",
        create: whole(A, SURE, ""),
        update: SECRET,
        // Which deletion it is depends on its owner and type; none is less than this.
        delete: whole(R, MAY, "what reads it loses it for a while").flag(LOST),
        replace: whole(O, MAY, "pods that start in between do not find it").flag(LOST),
    },
];
