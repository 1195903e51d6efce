//! Rules for the keywords of arrays. The set of narrower values holds arrays only here.

use super::{
    narrow::Narrow,
    node::{Node, Part},
    number,
    prove::{Proof, Prover, fail},
};

impl<'a> Prover<'a> {
    pub(crate) fn array(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let mut gaps = Vec::new();
        let mut collect = |proof: Proof| gaps.extend(proof.err().unwrap_or_default());
        collect(self.item_counts(wide, narrow));
        collect(self.contains(wide, narrow));
        let prefix = wide.list("prefixItems");
        let first_other = prefix.len();
        for (index, node) in prefix.iter().enumerate() {
            collect(self.item(index, node, narrow));
        }
        if let Some(others) = wide.other_items() {
            // One index after the longest prefix stands for all that follow.
            for index in first_other..=narrow.prefix().max(first_other) {
                collect(self.item(index, &others, narrow));
            }
        } else if wide.object.contains_key("unevaluatedItems") {
            collect(fail(
                wide.pointer("unevaluatedItems"),
                "cannot be compared beside other schemas that apply to the same array",
            ));
        }
        if gaps.is_empty() { Ok(()) } else { Err(gaps) }
    }

    fn item(&mut self, index: usize, wide: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        let beyond = narrow.least("maxItems").is_some_and(|most| usize::try_from(most).is_ok_and(|most| most <= index));
        if beyond {
            return Ok(());
        }
        self.covers(wide, &Narrow::of(narrow.item(index)))
    }

    fn item_counts(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let least = narrow.greatest("minItems");
        if let Some(bound) = wide.get("minItems")
            && number::count(bound).is_none_or(|bound| least < bound)
        {
            let detail = format!("{} allows fewer than {bound}", self.other);
            return fail(wide.pointer("minItems"), detail);
        }
        let most = narrow.least("maxItems");
        if let Some(bound) = wide.get("maxItems")
            && number::count(bound).is_none_or(|bound| most.is_none_or(|most| most > bound))
        {
            let detail = format!("{} allows more than {bound}", self.other);
            return fail(wide.pointer("maxItems"), detail);
        }
        let unique = narrow.all("uniqueItems").any(|value| value == true);
        let short = most.is_some_and(|most| most <= 1);
        if wide.get("uniqueItems").is_some_and(|value| value == true) && !unique && !short {
            let detail = format!("{} allows the same element twice", self.other);
            return fail(wide.pointer("uniqueItems"), detail);
        }
        Ok(())
    }

    /// `contains` with its two bounds, which mean nothing without it.
    fn contains(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(wanted) = wide.sub("contains") else {
            return Ok(());
        };
        let bound = |part: &Part<'a>, keyword| part.get(keyword).and_then(number::count);
        let least = bound(wide, "minContains").unwrap_or(1);
        let most = bound(wide, "maxContains");
        let mut enough = least == 0;
        let mut few_enough = !wide.object.contains_key("maxContains");
        for part in &narrow.parts {
            let Some(other) = part.sub("contains") else {
                continue;
            };
            if bound(part, "minContains").unwrap_or(1) >= least {
                enough |= self.covers(&wanted, &Narrow::of([other.clone()])).is_ok();
            }
            // What fits the wider one must be counted by the narrower one's bound too.
            if let (Some(other_most), Some(most)) = (bound(part, "maxContains"), most)
                && other_most <= most
            {
                few_enough |= self.same(&wanted, &other);
            }
        }
        if enough && few_enough {
            return Ok(());
        }
        let detail = format!("{} does not ask for the same elements", self.other);
        fail(wide.pointer("contains"), detail)
    }
}
