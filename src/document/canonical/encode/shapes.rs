//! How each shape that a document can have is written; the shapes that no document here has are
//! left to the way over a value.

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::super::{MAX_INTEGER, float_text};
use super::{Encoder, Inside, Unsuited};

impl<'e> Serializer for &'e mut Encoder {
    type Ok = ();
    type Error = Unsuited;
    type SerializeSeq = Inside<'e>;
    type SerializeTuple = Inside<'e>;
    type SerializeTupleStruct = Inside<'e>;
    type SerializeTupleVariant = Impossible<(), Unsuited>;
    type SerializeMap = Inside<'e>;
    type SerializeStruct = Inside<'e>;
    type SerializeStructVariant = Impossible<(), Unsuited>;

    fn serialize_bool(self, value: bool) -> Result<(), Unsuited> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), Unsuited> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), Unsuited> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), Unsuited> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), Unsuited> {
        self.integer(value.unsigned_abs(), value < 0)
    }
    fn serialize_u8(self, value: u8) -> Result<(), Unsuited> {
        self.integer(value.into(), false)
    }
    fn serialize_u16(self, value: u16) -> Result<(), Unsuited> {
        self.integer(value.into(), false)
    }
    fn serialize_u32(self, value: u32) -> Result<(), Unsuited> {
        self.integer(value.into(), false)
    }
    fn serialize_u64(self, value: u64) -> Result<(), Unsuited> {
        self.integer(value, false)
    }
    fn serialize_f32(self, _: f32) -> Result<(), Unsuited> {
        Err(Unsuited)
    }
    fn serialize_f64(self, value: f64) -> Result<(), Unsuited> {
        let rounded = value.fract() == 0.0 && value.abs() > MAX_INTEGER as f64;
        if !value.is_finite() || rounded {
            return Err(Unsuited);
        }
        self.out.extend_from_slice(float_text(value).as_bytes());
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), Unsuited> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Unsuited> {
        self.text(value)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unsuited> {
        Err(Unsuited)
    }
    fn serialize_none(self) -> Result<(), Unsuited> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unsuited> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Unsuited> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unsuited> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unsuited> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unsuited> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unsuited> {
        self.variant(variant)?;
        self.value(value)?;
        self.end_variant();
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'e>, Unsuited> {
        self.open(b'[')
    }
    fn serialize_tuple(self, _: usize) -> Result<Inside<'e>, Unsuited> {
        self.open(b'[')
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'e>, Unsuited> {
        self.open(b'[')
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsuited> {
        Err(Unsuited)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'e>, Unsuited> {
        self.open(b'{')
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'e>, Unsuited> {
        self.open(b'{')
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsuited> {
        Err(Unsuited)
    }
}

impl ser::SerializeSeq for Inside<'_> {
    type Ok = ();
    type Error = Unsuited;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unsuited> {
        self.end_list();
        Ok(())
    }
}

impl ser::SerializeTuple for Inside<'_> {
    type Ok = ();
    type Error = Unsuited;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unsuited> {
        self.end_list();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Inside<'_> {
    type Ok = ();
    type Error = Unsuited;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unsuited> {
        self.end_list();
        Ok(())
    }
}

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Unsuited;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unsuited> {
        self.begin(|encoder| key.serialize(encoder))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        self.finish(value)
    }
    fn end(self) -> Result<(), Unsuited> {
        self.end_object()
    }
}

impl ser::SerializeStruct for Inside<'_> {
    type Ok = ();
    type Error = Unsuited;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unsuited> {
        self.begin(|encoder| encoder.text(name))?;
        self.finish(value)
    }
    fn end(self) -> Result<(), Unsuited> {
        self.end_object()
    }
}
