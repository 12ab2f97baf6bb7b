//! A formula as text, for `explain` and the documentation of an op.
//! It does not know how the text is laid out or where it is shown.

use super::{Bin, Formula, Node, Un, const_number};
use crate::dtype::Dtype;
use crate::grid::MAX_RANK;

/// Longer subformulas are cut: an explanation is read by a person.
const LONGEST: usize = 160;

impl Formula {
    /// The formula with its inputs called by `names`; `rank` says how many axes a distant read shows.
    #[must_use]
    pub fn words(&self, names: &[String], rank: usize) -> String {
        let mut texts: Vec<String> = Vec::with_capacity(self.nodes.len());
        for (node, dtype) in self.nodes() {
            let text = node_words(node, dtype, &texts, names, rank);
            texts.push(if text.chars().count() > LONGEST {
                text.chars().take(LONGEST).chain("…".chars()).collect()
            } else {
                text
            });
        }
        let text = texts.get(self.root()).cloned().unwrap_or_default();
        match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            Some(inner) if balanced(inner) => inner.to_owned(),
            _ => text,
        }
    }
}

/// Whether no parenthesis closes before it opens: the outer pair may go.
fn balanced(text: &str) -> bool {
    let mut depth = 0;
    text.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

fn node_words(node: &Node, dtype: Dtype, texts: &[String], names: &[String], rank: usize) -> String {
    let text = |k: &u32| texts.get(*k as usize).map_or("?", String::as_str);
    match node {
        Node::Const(bits) => const_number(*bits, dtype).to_string(),
        Node::Read { input, at } => read_words(names.get(usize::from(*input)).map_or("?", String::as_str), at, rank),
        Node::Un(Un::Neg, a) => format!("-{}", text(a)),
        Node::Un(Un::Not, a) => format!("~{}", text(a)),
        Node::Un(un, a) => format!("{}({})", format!("{un:?}").to_lowercase(), text(a)),
        Node::Bin(bin, a, b) => match sign(*bin) {
            Some(sign) => format!("({} {sign} {})", text(a), text(b)),
            None => format!("{}({}, {})", if *bin == Bin::Min { "minimum" } else { "maximum" }, text(a), text(b)),
        },
        Node::Select(c, a, b) => format!("where({}, {}, {})", text(c), text(a), text(b)),
        Node::Cast(a) => format!("{}({})", dtype.name(), text(a)),
    }
}

fn read_words(name: &str, at: &[i32; MAX_RANK], rank: usize) -> String {
    if *at == [0; MAX_RANK] {
        return name.to_owned();
    }
    let offsets: Vec<String> = at[..rank.min(MAX_RANK)].iter().map(|o| format!("{o:+}")).collect();
    format!("{name}[{}]", offsets.join(","))
}

fn sign(bin: Bin) -> Option<&'static str> {
    Some(match bin {
        Bin::Add | Bin::WrapAdd => "+",
        Bin::Sub | Bin::WrapSub => "-",
        Bin::Mul | Bin::WrapMul => "*",
        Bin::Div => "/",
        Bin::FloorDiv => "//",
        Bin::Rem => "%",
        Bin::Pow => "**",
        Bin::And => "&",
        Bin::Or => "|",
        Bin::Xor => "^",
        Bin::Shl => "<<",
        Bin::Shr => ">>",
        Bin::Eq => "==",
        Bin::Ne => "!=",
        Bin::Lt => "<",
        Bin::Le => "<=",
        Bin::Gt => ">",
        Bin::Ge => ">=",
        Bin::Min | Bin::Max => return None,
    })
}
