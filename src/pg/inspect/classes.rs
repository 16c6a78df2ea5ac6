//! The classes of objects, one query each.
//!
//! A query names its columns. These say what a row is: `kind`, `name`, `parentKind`, `parent`, `class`, `oid`, `sub`,
//! `unit`, `position`. All others are properties; the end of the name says how the text is read: `:bool`, `:number`,
//! `:json`, `:acl` (an array of `aclitem`s), and `*` is an object with several properties. A row without a kind adds
//! properties to the object of its address.

/// The oid of a catalog: the same in every version.
pub(super) mod catalog {
    pub const RELATION: u32 = 1259;
    pub const TYPE: u32 = 1247;
    pub const FUNCTION: u32 = 1255;
    pub const SCHEMA: u32 = 2615;
}

/// A class of objects.
#[derive(Debug)]
pub(super) struct Class {
    /// What it is, for an error.
    pub name: &'static str,
    pub sql: &'static str,
    /// The catalog of that with which its objects are inspected: that of the table for its columns.
    pub units: u32,
}

/// Which objects of a class.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter<'a> {
    All,
    /// Those of these units, by oid.
    Units(&'a [u32]),
}

macro_rules! classes {
    ($($units:expr => $($name:literal)+;)+) => {
        &[$($(Class { name: $name, sql: include_str!(concat!("sql/", $name, ".sql")), units: $units }),+),+]
    };
}

/// All of them. What adds properties comes after the objects.
pub(super) const CLASSES: &[Class] = classes! {
    catalog::SCHEMA => "schemas";
    catalog::FUNCTION => "functions" "aggregates";
    catalog::RELATION => "relations" "columns" "constraints" "indexes" "not_null";
};
