//! `ops!`: an op is defined once; its record, its parameters, its methods and its documentation come from that.
//! It does not know any particular op.

/// Defines a family of ops: the record of each, its methods on [`Array`](crate::graph::Array), and the list.
///
/// An op reads: documentation, `pub fn name(inputs)`, required parameters, after `;` the optional ones with defaults,
/// the dtype rule, whose meaning it has, how near devices are, and the meaning. In a `formula` the inputs are
/// expressions, in `compose` arrays, in `window`, `fold` and `scan` the description of the input; the parameters are
/// variables of their types. `name[name_with, Options]` adds a method that takes the optional parameters as a struct.
#[macro_export]
macro_rules! ops {
    (
        pub static $FAMILY:ident: $family:literal;
        $(
            $(#[doc = $doc:literal])*
            pub fn $name:ident $([$with:ident, $Options:ident])? ($first:ident $(, $other:ident)*) {
                $($(#[doc = $rdoc:literal])* $req:ident: $rty:ty),* $(,)?
                $(; $($(#[doc = $pdoc:literal])* $opt:ident: $oty:ty = $default:expr),* $(,)?)?
            }
            rule $rule:ident; same_as $same:expr; agreement $agreement:expr;
            $kind:ident $body:block
        )*
    ) => {
        /// The family, in the order of the documentation.
        pub static $FAMILY: &[&$crate::graph::Op] = &[$(&$name::OP),*];
        $(
            #[doc = concat!("The record of `", stringify!($name), "`.")]
            pub mod $name {
                #[allow(unused_imports, reason = "each op uses some of the family's imports")]
                use super::*;
                /// The record.
                pub static OP: $crate::graph::Op = $crate::graph::Op {
                    name: $crate::graph::op_name(stringify!($name)),
                    family: $family,
                    doc: &[$($doc),*],
                    inputs: &[stringify!($first) $(, stringify!($other))*],
                    params: &[
                        $($crate::graph::Param {
                            name: stringify!($req),
                            doc: concat!($($rdoc),*),
                            kind: <$rty as $crate::graph::ParamType>::KIND,
                            default: None,
                        },)*
                        $($($crate::graph::Param {
                            name: stringify!($opt),
                            doc: concat!($($pdoc),*),
                            kind: <$oty as $crate::graph::ParamType>::KIND,
                            default: Some(|| { let value: $oty = $default; $crate::graph::ParamType::into_value(value) }),
                        },)*)?
                    ],
                    meaning: $crate::meaning!($kind [$first $($other)*] [$($req: $rty,)* $($($opt: $oty,)*)?] $body),
                    rule: $crate::graph::DtypeRule::$rule,
                    same_as: $same,
                    agreement: $agreement,
                    source: stringify!($body),
                };
            }

            $crate::optional!(
                $name [$($with $Options)?] [$($other)*] [$($req: $rty,)*]
                [$($($(#[doc = $pdoc])* $opt: $oty = $default,)*)?]
            );

            impl $crate::graph::Array {
                $(#[doc = $doc])*
                #[must_use]
                #[track_caller]
                pub fn $name(&self $(, $other: impl Into<$crate::graph::Array>)* $(, $req: impl Into<$rty>)*) -> $crate::graph::Array {
                    let inputs = [self.clone() $(, $other.into())*];
                    let args = $crate::graph::Args(vec![
                        $($crate::graph::ParamType::into_value(<_ as Into<$rty>>::into($req)),)*
                        $($({ let value: $oty = $default; $crate::graph::ParamType::into_value(value) },)*)?
                    ]);
                    $name::OP.apply(&inputs, args, ::std::panic::Location::caller())
                }
            }
        )*
    };
}

/// The optional parameters of an op as a struct, and the method that takes them; nothing for an op without.
#[macro_export]
#[doc(hidden)]
macro_rules! optional {
    ($name:ident [] $others:tt $required:tt $options:tt) => {};
    (
        $name:ident [$with:ident $Options:ident] [$($other:ident)*] [$($req:ident: $rty:ty,)*]
        [$($(#[doc = $pdoc:literal])* $opt:ident: $oty:ty = $default:expr,)*]
    ) => {
        #[doc = concat!("The optional parameters of [`Array::", stringify!($name), "`](crate::Array::", stringify!($name), ").")]
        #[derive(Clone, Debug)]
        pub struct $Options {
            $($(#[doc = $pdoc])* pub $opt: $oty,)*
        }

        impl Default for $Options {
            fn default() -> Self {
                $Options { $($opt: $default,)* }
            }
        }

        impl $crate::graph::Array {
            #[doc = concat!("[`Array::", stringify!($name), "`](crate::Array::", stringify!($name), ") with its optional parameters.")]
            #[must_use]
            #[track_caller]
            pub fn $with(
                &self $(, $other: impl Into<$crate::graph::Array>)* $(, $req: impl Into<$rty>)*, options: $Options,
            ) -> $crate::graph::Array {
                let inputs = [self.clone() $(, $other.into())*];
                let args = $crate::graph::Args(vec![
                    $($crate::graph::ParamType::into_value(<_ as Into<$rty>>::into($req)),)*
                    $($crate::graph::ParamType::into_value(options.$opt),)*
                ]);
                $name::OP.apply(&inputs, args, ::std::panic::Location::caller())
            }
        }
    };
}

/// The meaning of one op: binds its inputs and parameters as variables around the body.
#[macro_export]
#[doc(hidden)]
macro_rules! meaning {
    (formula [$($input:ident)*] [$($param:ident: $ty:ty,)*] $body:block) => {
        $crate::graph::Meaning::Formula(|inputs, args| {
            let &[$($input),*] = inputs else { return Err($crate::error::Error::bug("a formula got other inputs than its record")) };
            $crate::params!(args [$($param: $ty,)*]);
            Ok($body)
        })
    };
    (compose [$($input:ident)*] [$($param:ident: $ty:ty,)*] $body:block) => {
        $crate::graph::Meaning::Compose(|inputs, args| {
            let [$($input),*] = inputs else { return Err($crate::error::Error::bug("an op got other inputs than its record")) };
            $crate::params!(args [$($param: $ty,)*]);
            $body
        })
    };
    (window [$input:ident] [$($param:ident: $ty:ty,)*] $body:block) => {
        $crate::graph::Meaning::Window(|$input, args| { $crate::params!(args [$($param: $ty,)*]); $body })
    };
    (fold [$input:ident] [$($param:ident: $ty:ty,)*] $body:block) => {
        $crate::graph::Meaning::Fold(|$input, args| { $crate::params!(args [$($param: $ty,)*]); $body })
    };
    (scan [$input:ident] [$($param:ident: $ty:ty,)*] $body:block) => {
        $crate::graph::Meaning::Scan(|$input, args| { $crate::params!(args [$($param: $ty,)*]); $body })
    };
}

/// Binds parameters in the order of the record.
#[macro_export]
#[doc(hidden)]
macro_rules! params {
    ($args:ident []) => { let _ = $args; };
    ($args:ident [$($param:ident: $ty:ty,)+]) => {
        let mut _next = 0..;
        $(let $param: $ty = $args.get(_next.next().unwrap_or(0), stringify!($param))?;)+
    };
}
