//! The schedules of jobs that run by the clock.

use crate::Diagnostic;

/// One of the five fields: its name, its range, and words for its numbers.
struct Field {
    name: &'static str,
    range: (u32, u32),
    /// The words, of which the first stands for the first number of the range.
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", range: (0, 59), words: &[] },
    Field { name: "hour", range: (0, 23), words: &[] },
    Field { name: "day of the month", range: (1, 31), words: &[] },
    Field {
        name: "month",
        range: (1, 12),
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of the week",
        range: (0, 7),
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// The most days of each month.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What `@daily` and its kind stand for.
const SHORTHANDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The five fields of a schedule that is written in a short form, such as `@daily`; any other text as it is.
pub fn plain_schedule(text: &str) -> &str {
    let text = text.trim();
    SHORTHANDS.iter().find(|(word, _)| *word == text).map_or(text, |(_, fields)| fields)
}

/// Checks a schedule of five fields.
pub(super) fn check(schedule: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let shorthand = SHORTHANDS.iter().find(|(word, _)| schedule.trim().eq_ignore_ascii_case(word));
    if let Some((word, fields)) = shorthand {
        found.push(
            Diagnostic::error(path, format!("`{word}` is not one of cron's five fields"))
                .why("not every platform knows the short forms")
                .remedy(format!("`\"{fields}\"`")),
        );
        return;
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        found.push(
            Diagnostic::error(
                path,
                format!("the schedule `{schedule}` has {} fields, not five", fields.len()),
            )
            .remedy("minute, hour, day of the month, month and day of the week: `\"30 3 * * 1-5\"`"),
        );
        return;
    }
    let mut sets = Vec::new();
    for (text, field) in fields.iter().zip(&FIELDS) {
        match field.parse(text) {
            Ok(set) => sets.push(set),
            Err(why) => found.push(
                Diagnostic::error(path, format!("`{text}` is not a {}", field.name)).why(why).remedy(
                    format!(
                        "a number from {} to {}, `*`, `a-b`, `*/n`, or several with commas",
                        field.range.0, field.range.1
                    ),
                ),
            ),
        }
    }
    if let [_, _, days, months, _] = sets.as_slice()
        && fields[4] == "*"
        && !is_ever(*days, *months)
    {
        found.push(
            Diagnostic::error(path, format!("the schedule `{schedule}` never comes"))
                .why("none of its months has any of its days"),
        );
    }
}

/// Whether any of the months has any of the days.
fn is_ever(days: u64, months: u64) -> bool {
    (1..=12_u32)
        .zip(DAYS)
        .any(|(month, length)| months & (1 << month) != 0 && (1..=length).any(|day| days & (1 << day) != 0))
}

impl Field {
    /// The numbers that a field stands for, as a set of bits.
    fn parse(&self, text: &str) -> Result<u64, String> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.parse_part(part)?))
    }

    fn parse_part(&self, part: &str) -> Result<u64, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => self.range,
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None if step.is_some() => (self.number(range)?, self.range.1),
            None => (self.number(range)?, self.number(range)?),
        };
        let step = match step {
            None => 1,
            Some(step) => {
                step.parse().ok().filter(|step| *step > 0).ok_or_else(|| format!("`{step}` is no step"))?
            }
        };
        if first > last {
            return Err(format!("{first} comes after {last}"));
        }
        Ok((first..=last).step_by(step).fold(0, |set, number| set | (1 << number)))
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().position(|word| text.eq_ignore_ascii_case(word));
        let number = match word {
            Some(index) => u32::try_from(index).ok().map(|index| index + self.range.0),
            // `parse` takes a sign, cron does not.
            None if text.starts_with('+') => None,
            None => text.parse().ok(),
        };
        let number = number.ok_or_else(|| format!("`{text}` is no number"))?;
        if number < self.range.0 || number > self.range.1 {
            return Err(format!("{number} is not from {} to {}", self.range.0, self.range.1));
        }
        Ok(number)
    }
}

/// Whether a text has the form of a zone's name in the IANA database.
pub(super) fn is_time_zone(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    name.split('/').all(is_part)
}
