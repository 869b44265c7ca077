//! Seats people in places, each person in at most one: as many as can be seated are, whoever came
//! first, and who is seated stays seated (a maximum matching by augmenting paths, Kuhn 1955).

use std::collections::{BTreeMap, BTreeSet};

use crate::document::ident::Label;

/// So many places per role, and who sits there.
pub(super) struct Places<'a> {
    places: BTreeMap<&'a Label, (u32, BTreeSet<&'a Label>)>,
    roles: BTreeMap<&'a Label, Vec<&'a Label>>,
}

impl<'a> Places<'a> {
    /// Empty places: `demands` says how many of each role.
    pub(super) fn new(demands: impl IntoIterator<Item = (&'a Label, u32)>) -> Self {
        let empty = |(role, count)| (role, (count, BTreeSet::new()));
        Self { places: demands.into_iter().map(empty).collect(), roles: BTreeMap::new() }
    }

    /// Seats a person who has these roles, asking others to change their place if that makes room.
    /// Says whether there was room. In which order people come decides only who gets a place that
    /// several could have.
    pub(super) fn seat(
        &mut self,
        person: &'a Label,
        roles: impl Iterator<Item = &'a Label>,
    ) -> bool {
        let roles = roles.filter(|role| self.places.contains_key(role)).collect();
        self.roles.insert(person, roles);
        self.place(person, &mut BTreeSet::new())
    }

    /// Who sits in the places of a role, sorted.
    pub(super) fn seated(&self, role: &Label) -> impl Iterator<Item = &'a Label> + use<'a, '_> {
        self.places.get(role).into_iter().flat_map(|(_, people)| people.iter().copied())
    }

    fn place(&mut self, person: &'a Label, tried: &mut BTreeSet<&'a Label>) -> bool {
        let roles = self.roles.get(person).cloned().unwrap_or_default();
        for role in roles {
            let Some((count, people)) = self.places.get(role) else { continue };
            if !tried.insert(role) {
                continue;
            }
            let full = u32::try_from(people.len()).unwrap_or(u32::MAX) >= *count;
            let moved = match full {
                true => people.clone().into_iter().find(|other| self.place(other, tried)),
                false => None,
            };
            if full && moved.is_none() {
                continue;
            }
            if let Some((_, people)) = self.places.get_mut(role) {
                if let Some(moved) = moved {
                    people.remove(moved);
                }
                people.insert(person);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    #[test]
    fn somebody_with_two_roles_makes_room() {
        let [a, b, x, y] = ["a", "b", "x", "y"].map(label);
        let mut places = Places::new([(&x, 1), (&y, 1)]);
        assert!(places.seat(&a, [&x, &y].into_iter()));
        assert_eq!(places.seated(&x).collect::<Vec<_>>(), [&a]);
        assert!(places.seat(&b, [&x].into_iter()));
        assert_eq!(places.seated(&x).collect::<Vec<_>>(), [&b]);
        assert_eq!(places.seated(&y).collect::<Vec<_>>(), [&a]);
        let c = label("c");
        assert!(!places.seat(&c, [&x, &y].into_iter()));
    }
}
