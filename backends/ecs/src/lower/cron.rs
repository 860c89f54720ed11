//! Schedules of crontab as EventBridge Scheduler writes them.

use std::fmt::Write as _;

use rhumb_spec::Diagnostic;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One of crontab's fields: its first and last number, and words for its numbers from the first one on.
struct Field {
    first: u32,
    last: u32,
    words: &'static [&'static str],
}

const MINUTE: Field = Field { first: 0, last: 59, words: &[] };
const HOUR: Field = Field { first: 0, last: 23, words: &[] };
const DAY: Field = Field { first: 1, last: 31, words: &[] };
const MONTH: Field = Field { first: 1, last: 12, words: &MONTHS };
const WEEKDAY: Field = Field { first: 0, last: 7, words: &DAYS };

/// A part of a field: numbers from a first to a last one, every so many.
struct Part {
    first: u32,
    last: u32,
    step: u32,
}

impl Field {
    /// The parts of a field that was verified. What cannot be read does not appear.
    fn parts(&self, text: &str) -> Vec<Part> {
        text.split(',').filter_map(|part| self.part(part)).collect()
    }

    fn part(&self, text: &str) -> Option<Part> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None => {
                let number = self.number(range)?;
                (number, if step.is_some() { self.last } else { number })
            }
        };
        Some(Part { first, last, step: step.unwrap_or(1) })
    }

    fn number(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| text.eq_ignore_ascii_case(word));
        word.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.first).or_else(|| text.parse().ok())
    }

    /// The field in AWS's words: `*`, `a`, `a-b`, `a/n`, several with commas. Steps of a range are written out.
    fn write(&self, text: &str) -> String {
        if text == "*" {
            return text.to_owned();
        }
        let mut words: Vec<String> = Vec::new();
        for Part { first, last, step } in self.parts(text) {
            if step > 1 && last == self.last {
                words.push(format!("{first}/{step}"));
            } else if step > 1 || first == last {
                words.extend((first..=last).step_by(step as usize).map(|number| number.to_string()));
            } else {
                words.push(format!("{first}-{last}"));
            }
        }
        words.dedup();
        words.join(",")
    }
}

/// The days of the week, which AWS counts from 1 for Sunday. Written out unless they are neighbours.
fn weekdays(text: &str) -> String {
    let mut days = [false; 7];
    for Part { first, last, step } in WEEKDAY.parts(text) {
        for day in (first..=last).step_by(step as usize) {
            if let Some(day) = days.get_mut(day as usize % 7) {
                *day = true;
            }
        }
    }
    let numbers: Vec<usize> = (0..7).filter(|day| days[*day]).map(|day| day + 1).collect();
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) if numbers.len() > 2 && last - first + 1 == numbers.len() => {
            format!("{first}-{last}")
        }
        _ => numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(","),
    }
}

/// A schedule of five fields as `cron(…)` of six: AWS adds the year, and wants `?` for the one of the two kinds of days
/// that says nothing.
///
/// # Errors
/// A schedule with both kinds of days: crontab means either, and AWS cannot say that.
///
/// Source: EventBridge Scheduler user guide, "Schedule types", "Cron-based schedules".
pub(crate) fn expression(schedule: &str, path: &str) -> Result<String, Box<Diagnostic>> {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(Box::new(Diagnostic::error(
            path,
            format!("the schedule `{schedule}` has no five fields"),
        )));
    };
    let is_any = |text: &str| text == "*";
    let (day, weekday) = match (is_any(day), is_any(weekday)) {
        (_, true) => (DAY.write(day), "?".to_owned()),
        (true, false) => ("?".to_owned(), weekdays(weekday)),
        (false, false) => {
            let diagnostic = Diagnostic::error(path, format!("AWS cannot say the schedule `{schedule}`"))
                .why("crontab means days of the month or days of the week, and AWS takes one of the two")
                .remedy("two workloads, one with each kind of days");
            return Err(Box::new(diagnostic));
        }
    };
    let mut text = String::from("cron(");
    let (minute, hour, month) = (MINUTE.write(minute), HOUR.write(hour), MONTH.write(month));
    let _ = write!(text, "{minute} {hour} {day} {month} {weekday} *)");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule: &str, expected: &str) {
        assert_eq!(expression(schedule, "").unwrap(), expected, "{schedule}");
    }

    #[test]
    fn schedules_gain_a_year_and_a_question_mark() {
        check("* * * * *", "cron(* * * * ? *)");
        check("30 3 * * *", "cron(30 3 * * ? *)");
        check("*/5 * * * *", "cron(0/5 * * * ? *)");
        check("7/20 0-6 1,15 * *", "cron(7/20 0-6 1,15 * ? *)");
        check("0 9-17/2 * jan-Mar *", "cron(0 9,11,13,15,17 * 1-3 ? *)");
        check("0 0 */10 */3 *", "cron(0 0 1/10 1/3 ? *)");
    }

    #[test]
    fn days_of_the_week_begin_with_1_for_sunday() {
        check("0 0 * * 0", "cron(0 0 ? * 1 *)");
        check("0 0 * * 7", "cron(0 0 ? * 1 *)");
        check("0 0 * * mon-FRI", "cron(0 0 ? * 2-6 *)");
        check("0 0 * * 5-7", "cron(0 0 ? * 1,6,7 *)");
        check("0 0 * * sat,sun", "cron(0 0 ? * 1,7 *)");
        check("0 0 * * */2", "cron(0 0 ? * 1,3,5,7 *)");
    }

    #[test]
    fn either_kind_of_days_cannot_be_said() {
        assert!(expression("0 0 1 * 1", "workload/a.cron.schedule").is_err());
    }
}
