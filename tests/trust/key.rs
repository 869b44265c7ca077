//! Keys that are refused at enrolment, and signatures that are refused under good keys.

use countersign::trust::fingerprint::Fingerprint;
use countersign::trust::key::{KeyError, PublicKey};
use countersign::trust::sign::Sign as _;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};

use crate::support::trust::{keygen, line, public, run, secret};

pub(crate) fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits = hex.as_bytes().as_chunks::<2>().0;
    let pair = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.iter().map(pair).collect::<Vec<_>>().try_into().unwrap()
}

/// The eight points of small order, canonically encoded (RFC 7748 and RFC 8032 define the curve;
/// listed in Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", table 5).
const SMALL: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// Second encodings of points of small order: y not reduced, or the sign of x = 0 set (same paper).
const NOT_CANONICAL: [&str; 6] = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

#[test]
fn a_weak_key_is_refused_though_it_verifies_what_nobody_signed() {
    for point in SMALL {
        assert_eq!(PublicKey::from_bytes(&bytes(point)), Err(KeyError::Weak), "{point}");
    }
    // The attack is real: under the neutral point, R neutral and S = 0 sign every message.
    let key = VerifyingKey::from_bytes(&bytes(SMALL[0])).unwrap();
    let mut forged = [0; 64];
    forged[0] = 1;
    assert!(key.verify(b"anything", &Signature::from_bytes(&forged)).is_ok());
}

#[test]
fn a_second_encoding_of_a_key_is_refused() {
    for point in NOT_CANONICAL {
        let refused = PublicKey::from_bytes(&bytes(point)).unwrap_err();
        assert!(matches!(refused, KeyError::NotCanonical | KeyError::Point), "{point}: {refused}");
    }
    // y = p + 3 and so on: every y from p up to 2^255 - 1, with both signs.
    for low in 0xed..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (low, high);
            let refused = PublicKey::from_bytes(&point).unwrap_err();
            assert!(matches!(refused, KeyError::NotCanonical | KeyError::Point), "{low:x}");
        }
    }
}

#[test]
fn a_twin_of_a_key_with_a_small_component_is_refused() {
    let honest = VerifyingKey::from_bytes(public(1).as_bytes()).unwrap().to_edwards();
    for point in &SMALL[1..] {
        let small = VerifyingKey::from_bytes(&bytes(point)).unwrap().to_edwards();
        let twin = (honest + small).compress().to_bytes();
        assert_eq!(PublicKey::from_bytes(&twin), Err(KeyError::MixedOrder), "{point}");
    }
}

#[test]
fn what_is_no_point_is_refused() {
    // y = 2 has no x on the curve.
    let mut point = [0; 32];
    point[0] = 2;
    assert_eq!(PublicKey::from_bytes(&point), Err(KeyError::Point));
}

/// ed25519-speccheck, cases.json (Chalkias, Garillot, Nikolaenko): message, key, signature; which
/// implementations accept them differs. Here none is accepted, by key or by signature.
const SPECCHECK: [(&str, &str, &str); 10] = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
    ),
    (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
    ),
];

#[test]
fn signatures_on_which_implementations_disagree_are_all_refused() {
    let mut by_key = 0;
    for (message, key, signature) in SPECCHECK {
        match PublicKey::from_bytes(&bytes(key)) {
            Err(KeyError::Weak | KeyError::MixedOrder) => by_key += 1,
            Err(other) => panic!("{key}: {other}"),
            Ok(key) => assert!(!key.verify(&bytes::<32>(message), &bytes(signature)), "{message}"),
        }
    }
    // The other two have an honest key and an S that is not reduced.
    assert_eq!(by_key, 8);
}

/// Signatures under the key of seed 1 over "message" whose R has small order and whose S was made
/// to fit: S = k a, so that S B - k A is the neutral point. Only the owner of the key can make
/// these, and could show another message for them. Computed by hand from RFC 8032, section 5.1.7.
const SMALL_R: [&str; 3] = [
    "010000000000000000000000000000000000000000000000000000000000000095c0fdcc54fccad1f2b8bc9b96aa6837c82f86349e6576ad29ca3ece7b7ea905",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f93d5b22ace2de71321936eb82c8ff993499d035200171c96e92458bffa33e904",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7fe0f38f1bab90576088c11f38668fc88ff00774355974a66f05420575af767703",
];

#[test]
fn a_signature_with_a_small_or_second_spelling_of_r_is_refused() {
    for signature in SMALL_R {
        assert!(!public(1).verify(b"message", &bytes(signature)), "{signature}");
    }
    // The first is one that plain verification takes.
    let plain = VerifyingKey::from_bytes(public(1).as_bytes()).unwrap();
    let signature = Signature::from_bytes(&bytes(SMALL_R[0]));
    assert!(plain.verify(b"message", &signature).is_ok());
}

/// The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian
/// (RFC 8032, section 5.1).
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn a_signature_with_the_order_added_to_it_is_refused() {
    let (key, message) = (secret(1), b"message");
    let good = key.sign(message).unwrap();
    assert!(key.public().verify(message, &good));
    let order: [u8; 32] = bytes(ORDER);
    let mut malleated = good;
    for _ in 0..7 {
        let mut carry = 0;
        for (digit, more) in malleated[32..].iter_mut().zip(order) {
            let sum = u16::from(*digit) + u16::from(more) + carry;
            *digit = sum as u8;
            carry = sum >> 8;
        }
        assert!(!key.public().verify(message, &malleated));
    }
}

/// RFC 8032, section 7.3: a prehashed (Ed25519ph) signature over "abc".
#[test]
fn a_prehashed_signature_is_not_a_plain_one() {
    let key = bytes("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
    let signature = bytes(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    );
    assert!(!PublicKey::from_bytes(&key).unwrap().verify(b"abc", &signature));
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let (key, message) = (secret(1), b"message");
    let good = key.sign(message).unwrap();
    for at in 0..good.len() * 8 {
        let mut other = good;
        other[at / 8] ^= 1 << (at % 8);
        assert!(!key.public().verify(message, &other), "bit {at}");
    }
    for constant in [[0; 64], [0xff; 64]] {
        assert!(!key.public().verify(message, &constant));
    }
}

#[test]
fn other_kinds_of_keys_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, kind) in [
        ("rsa", ["-t", "rsa", "-b", "2048"], "ssh-rsa"),
        ("ecdsa", ["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"),
    ] {
        let path = keygen(folder.path(), name, &[&arguments[..], &["-N", ""]].concat());
        let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        assert_eq!(PublicKey::from_openssh(&line), Err(KeyError::Kind(kind.to_owned())));
    }
    let authority = keygen(folder.path(), "ca", &["-t", "ed25519", "-N", ""]);
    let own = keygen(folder.path(), "own", &["-t", "ed25519", "-N", ""]);
    let mut sign = std::process::Command::new("ssh-keygen");
    sign.args(["-q", "-I", "id", "-n", "alice", "-s"])
        .arg(authority)
        .arg(own.with_extension("pub"));
    run(&mut sign);
    let certificate = std::fs::read_to_string(folder.path().join("own-cert.pub")).unwrap();
    let kind = "ssh-ed25519-cert-v01@openssh.com".to_owned();
    assert_eq!(PublicKey::from_openssh(&certificate), Err(KeyError::Certificate(kind)));

    let good = line(1);
    let body = good.split_once(' ').unwrap().1;
    let table = [
        (
            format!("sk-ssh-ed25519@openssh.com {body}"),
            KeyError::Fido("sk-ssh-ed25519@openssh.com".to_owned()),
        ),
        (std::fs::read_to_string(&own).unwrap(), KeyError::Private),
        (String::new(), KeyError::Line),
        ("ssh-ed25519".to_owned(), KeyError::Line),
        (format!("{good}\n{good}\n"), KeyError::Line),
        (format!("no-pty {good}"), KeyError::Line),
        (format!("cert-authority {good}"), KeyError::Line),
        ("ssh-ed25519 AAAA".to_owned(), KeyError::Encoding),
        (good[..good.len() - 4].to_owned(), KeyError::Encoding),
        (format!("{good}AAAA"), KeyError::Encoding),
        (format!("ssh-ed25519  {body}"), KeyError::Encoding),
        (good.replacen("AAAAC3", "AAAAC4", 1), KeyError::Encoding),
    ];
    for (line, refused) in table {
        assert_eq!(PublicKey::from_openssh(&line), Err(refused), "{line}");
    }
}

#[test]
fn a_key_is_named_as_ssh_keygen_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    let written = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let (key, comment) = PublicKey::with_comment(&written).unwrap();
    assert_eq!(comment, "test");
    assert_eq!(format!("{} test\n", key.to_openssh()), written);
    let mut list = std::process::Command::new("ssh-keygen");
    let printed = run(list.arg("-lf").arg(path));
    let fingerprint = printed.split(' ').nth(1).unwrap();
    assert_eq!(key.fingerprint().as_str(), fingerprint);
    assert_eq!(fingerprint.parse::<Fingerprint>().unwrap(), key.fingerprint());
    for bad in
        [&fingerprint[7..], &fingerprint[..49], &format!("{fingerprint}A"), "SHA256:", "MD5:00"]
    {
        assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
    }
}
