//! Comparator networks: fixed sequences of least and greatest that sort, or find the middle of, a few keys.
//! It does not know where the keys come from; each function is straight-line code that a loop around it widens.

use super::key::Lane;

/// Puts the lesser of each pair of places first.
macro_rules! compare {
    ($v:ident: $($a:literal $b:literal),* $(,)?) => {$(
        let (less, more) = ($v[$a].min($v[$b]), $v[$a].max($v[$b]));
        $v[$a] = less;
        $v[$b] = more;
    )*};
}

/// Three keys in order.
#[inline(always)]
pub fn sort3<K: Lane>(mut v: [K; 3]) -> [K; 3] {
    compare!(v: 0 1, 1 2, 0 1);
    v
}

/// Five keys in order.
#[inline(always)]
pub fn sort5<K: Lane>(mut v: [K; 5]) -> [K; 5] {
    compare!(v: 0 3, 1 4, 0 2, 1 3, 0 1, 2 4, 1 2, 3 4, 2 3);
    v
}

/// The middle of three.
#[inline(always)]
pub fn median3<K: Lane>(a: K, b: K, c: K) -> K {
    a.min(b).max(a.max(b).min(c))
}

/// The median of nine keys given as the rows of three sorted columns: the middle of the greatest of the least row, the
/// middle of the middle row and the least of the greatest row.
#[inline(always)]
pub fn median_of_columns3<K: Lane>(least: [K; 3], middle: [K; 3], greatest: [K; 3]) -> K {
    let low = least[0].max(least[1]).max(least[2]);
    let high = greatest[0].min(greatest[1]).min(greatest[2]);
    median3(low, median3(middle[0], middle[1], middle[2]), high)
}

/// The median of 25 keys, five sorted columns: place `5 · row + column`. Sorts the rows as far as needed, then drops
/// what known order rules out and the extremes of what is left; 108 operations. Found by a random search that checks
/// every step on all 6^5 columns of zeros and ones, so that it is right by the 0-1 principle.
#[inline(always)]
pub fn median_of_columns5<K: Lane>(mut v: [K; 25]) -> K {
    compare!(v:
        0 3, 1 4, 0 2, 1 3, 0 1, 2 4, 1 2, 3 4, 2 3, 5 8, 6 9, 5 7, 6 8, 5 6, 7 9, 6 7, 8 9, 7 8, 10 13, 11 14, 10 12,
        11 13, 10 11, 12 14, 11 12, 13 14, 12 13, 15 18, 16 19, 15 17, 16 18, 15 16, 17 19, 16 17, 18 19, 17 18,
        20 23, 21 24, 20 22, 21 23, 20 21, 22 24, 21 22, 7 11, 15 7, 13 21, 3 7, 17 9, 4 7, 20 17, 20 11, 4 20, 20 12,
        11 7, 17 12, 7 12, 8 11, 20 8, 11 17, 7 17, 11 13, 8 11, 13 7, 13 11, 16 13, 11 13,
    );
    v[11]
}

/// The median of 27 keys: place `9 · a + 3 · b + c`, in order along `a` and along `b`. Found as
/// [`median_of_columns5`], checked on all 20^3 such cubes of zeros and ones; 126 operations.
#[inline(always)]
pub fn median_of_sheets3<K: Lane>(mut v: [K; 27]) -> K {
    compare!(v:
        0 2, 0 1, 1 2, 3 5, 3 4, 4 5, 6 8, 6 7, 7 8, 9 11, 9 10, 10 11, 12 14, 12 13, 13 14, 15 17, 15 16, 16 17,
        18 20, 18 19, 19 20, 21 23, 21 22, 22 23, 24 26, 24 25, 6 2, 12 6, 14 8, 24 8, 21 10, 4 21, 14 20, 10 16,
        20 16, 5 11, 21 18, 5 6, 21 5, 22 6, 11 24, 6 24, 19 10, 5 22, 19 14, 5 19, 6 10, 14 20, 11 10, 20 10, 6 11,
        19 18, 13 6, 19 13, 14 11, 20 6, 11 6, 15 22, 15 14, 2 13, 15 2, 13 11, 22 11, 7 18, 2 20, 7 2, 18 22, 2 20,
        22 20, 14 13, 14 2, 13 2, 22 2, 13 18, 13 22, 18 22,
    );
    v[18]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of bit pattern `bits`.
    fn bits<const N: usize>(bits: u32) -> [u8; N] {
        std::array::from_fn(|i| (bits >> i & 1) as u8)
    }

    #[test]
    fn five_columns_by_the_zero_one_principle() {
        for ones in 0..6usize.pow(5) {
            let count: [usize; 5] = std::array::from_fn(|c| ones / 6usize.pow(c as u32) % 6);
            let v: [u8; 25] = std::array::from_fn(|place| u8::from(place / 5 >= 5 - count[place % 5]));
            let total: usize = count.iter().sum();
            assert_eq!(median_of_columns5(v), u8::from(total >= 13), "columns with {count:?} ones");
        }
    }

    #[test]
    fn three_sheets_by_the_zero_one_principle() {
        let sheets: Vec<u32> = (0..512u32).filter(|s| is_in_order(*s)).collect();
        assert_eq!(sheets.len(), 20);
        for code in 0..8000 {
            let pick = [sheets[code % 20], sheets[code / 20 % 20], sheets[code / 400]];
            let v: [u8; 27] = std::array::from_fn(|p| (pick[p % 3] >> (p / 3) & 1) as u8);
            let total: u32 = pick.iter().map(|s| s.count_ones()).sum();
            assert_eq!(median_of_sheets3(v), u8::from(total >= 14), "sheets {pick:?}");
        }
    }

    /// Whether a 3 by 3 sheet of bits is in order along both axes.
    fn is_in_order(sheet: u32) -> bool {
        let v: [u8; 9] = bits(sheet);
        (0..9).all(|p| (p % 3 == 0 || v[p - 1] <= v[p]) && (p < 3 || v[p - 3] <= v[p]))
    }

    #[test]
    fn small_sorts_by_the_zero_one_principle() {
        for code in 0..32 {
            let mut three: [u8; 3] = bits(code);
            let mut five: [u8; 5] = bits(code);
            let (found3, found5) = (sort3(three), sort5(five));
            assert_eq!(median3(three[0], three[1], three[2]), found3[1]);
            three.sort_unstable();
            five.sort_unstable();
            assert_eq!((found3, found5), (three, five));
        }
    }
}
