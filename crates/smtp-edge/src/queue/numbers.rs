//! Small numbers for things that many messages share: a message then holds four octets of what it shares. Pure.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;

/// The number of a thing, used again when that is forgotten. Never 0, so that an `Option` of it takes no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(NonZeroU32);

impl Number {
    fn at(place: usize) -> Self {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    fn place(self) -> usize {
        (self.0.get() - 1) as usize
    }
}

/// Names with their numbers, and what is known of each.
#[derive(Debug)]
pub(super) struct Numbers<K, V> {
    numbers: HashMap<K, Number>,
    known: Vec<Option<(K, V)>>,
    free: Vec<Number>,
}

impl<K, V> Default for Numbers<K, V> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            known: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Numbers<K, V> {
    /// The number of `name`, which gets one and a `first` value when it has none.
    pub(super) fn of(&mut self, name: &K, first: impl FnOnce() -> V) -> Number {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let slot = Some((name.clone(), first()));
        let number = match self.free.pop() {
            Some(number) => {
                if let Some(place) = self.known.get_mut(number.place()) {
                    *place = slot;
                }
                number
            }
            None => {
                self.known.push(slot);
                Number::at(self.known.len() - 1)
            }
        };
        self.numbers.insert(name.clone(), number);
        number
    }

    /// The number that `name` has.
    pub(super) fn find(&self, name: &K) -> Option<Number> {
        self.numbers.get(name).copied()
    }

    /// The name and what is known of it.
    pub(super) fn get(&self, number: Number) -> Option<(&K, &V)> {
        let slot = self.known.get(number.place())?.as_ref()?;
        Some((&slot.0, &slot.1))
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, number: Number) -> Option<(&K, &mut V)> {
        let slot = self.known.get_mut(number.place())?.as_mut()?;
        Some((&slot.0, &mut slot.1))
    }

    /// Forgets a name; its number may be another's from now on.
    pub(super) fn forget(&mut self, number: Number) {
        let slot = self.known.get_mut(number.place());
        if let Some((name, _)) = slot.and_then(Option::take) {
            self.numbers.remove(&name);
            self.free.push(number);
        }
        if self.numbers.is_empty() {
            *self = Self::default(); // with the memory that its most had taken
        }
    }

    /// How many names have a number.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_never_shared() {
        let mut numbers = Numbers::<&str, u32>::default();
        let [one, two] = ["one", "two"].map(|name| numbers.of(&name, || 7));
        assert_ne!(one, two);
        assert_eq!(numbers.of(&"one", || 8), one);
        numbers.forget(one);
        assert_eq!((numbers.find(&"one"), numbers.get(one)), (None, None));
        assert_eq!(numbers.of(&"three", || 9), one);
        assert_eq!(numbers.get(one), Some((&"three", &9)));
        assert_eq!(numbers.get(two), Some((&"two", &7)));
        assert_eq!(numbers.len(), 2);
    }
}
