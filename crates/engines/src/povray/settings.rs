//! What a scene's INI file and the job's options say, read the same way by inspection and by every session.
//!
//! Only settings that change pixels or frames are taken; the rest of an INI file (output names, display, commands to run)
//! is the concern of whoever ran it last. POV-Ray never sees the file itself.

use super::frames::Animation;
use crate::error::EngineError;
use rayswarm_model::Resolution;

/// Debian's own default, from its system-wide `povray.ini`.
const RESOLUTION_DEFAULT: Resolution = Resolution {
    width: 800,
    height: 600,
};

/// Settings of one scene.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The scene file an INI file names.
    pub(crate) input: Option<String>,
    pub(crate) resolution: Resolution,
    pub(crate) animation: Animation,
    pub(crate) antialias: Option<Antialias>,
    /// `name=number`, in order; a later one of a name wins.
    pub(crate) declares: Vec<(String, String)>,
    pub(crate) quality: Option<u32>,
    /// Whether the picture has an alpha channel.
    pub(crate) alpha: bool,
    /// Commands that an INI file would run around frames. They are never run.
    pub(crate) commands: Vec<String>,
}

/// POV-Ray's supersampling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Antialias {
    pub(crate) threshold: String,
    pub(crate) method: u32,
    pub(crate) depth: u32,
    pub(crate) jitter: bool,
}

impl Default for Antialias {
    /// POV-Ray's own: `+A0.3 +AM1 +R3 +J`.
    fn default() -> Self {
        Self {
            threshold: "0.3".into(),
            method: 1,
            depth: 3,
            jitter: true,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            input: None,
            resolution: RESOLUTION_DEFAULT,
            animation: Animation::default(),
            antialias: None,
            declares: Vec::new(),
            quality: None,
            alpha: false,
            commands: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings of `ini` (empty when there is none), overridden by the job's options.
    pub(crate) fn resolve(ini: &str, options: &[(String, String)]) -> Result<Self, EngineError> {
        let mut settings = Self::default();
        // Antialiasing is switched and tuned by separate lines in any order.
        let mut antialias = (false, Antialias::default());
        for line in ini.lines() {
            let line = strip_comment(line).trim();
            // Sections are chosen on a command line that Rayswarm does not have; the lines before the first apply.
            if line.starts_with('[') {
                break;
            }
            settings.read_line(line, &mut antialias)?;
        }
        for (name, value) in options {
            if !settings.set(&name.to_ascii_lowercase(), value, &mut antialias)? {
                return Err(refused(name, value, "is not an option of POV-Ray jobs"));
            }
        }
        settings.antialias = antialias.0.then_some(antialias.1);
        settings.animation.check()?;
        Ok(settings)
    }

    fn read_line(&mut self, line: &str, antialias: &mut (bool, Antialias)) -> Result<(), EngineError> {
        if line.starts_with(['+', '-']) {
            return line
                .split_whitespace()
                .try_for_each(|switch| self.read_switch(switch, antialias));
        }
        if let Some((name, value)) = line.split_once('=') {
            self.set(
                &name.trim().to_ascii_lowercase(),
                value.trim().trim_matches('"'),
                antialias,
            )?;
        }
        Ok(())
    }

    /// A command-line switch in an INI file: `+kff20`, `+kc`, `declare=fp=0`.
    fn read_switch(&mut self, switch: &str, antialias: &mut (bool, Antialias)) -> Result<(), EngineError> {
        if let Some((name, value)) = switch.split_once('=') {
            self.set(&name.to_ascii_lowercase(), value, antialias)?;
            return Ok(());
        }
        let on = if switch.starts_with('-') { "off" } else { "on" };
        let word = switch.trim_start_matches(['+', '-']).to_ascii_lowercase();
        // The longest name first: `kfi` is not `kf` with the value `i`.
        const WITH_VALUE: [(&str, &str); 13] = [
            ("kfi", "initial_frame"),
            ("kff", "final_frame"),
            ("ki", "initial_clock"),
            ("kf", "final_clock"),
            ("am", "antialias_method"),
            ("k", "clock"),
            ("w", "width"),
            ("h", "height"),
            ("q", "quality"),
            ("r", "antialias_depth"),
            ("a", "antialias"),
            ("i", "input_file_name"),
            ("j", "jitter"),
        ];
        match word.as_str() {
            "kc" => self.set("cyclic_animation", on, antialias)?,
            "ua" => self.set("output_alpha", on, antialias)?,
            // These begin like others and change no pixel.
            _ if word.starts_with("wt") || word.starts_with("hi") || word.starts_with("rp") => false,
            _ => {
                let found = WITH_VALUE
                    .iter()
                    .find_map(|(letters, name)| Some((*name, word.strip_prefix(letters)?)));
                match found {
                    Some((name, "")) => self.set(name, on, antialias)?,
                    Some((name, value)) => self.set(name, value, antialias)?,
                    None => false,
                }
            }
        };
        Ok(())
    }

    /// One setting by its INI name; `false` when it is none that matters.
    fn set(&mut self, name: &str, value: &str, antialias: &mut (bool, Antialias)) -> Result<bool, EngineError> {
        let integer = || {
            value
                .parse::<i32>()
                .map_err(|_| refused(name, value, "is not a whole number"))
        };
        let natural = || {
            value
                .parse::<u32>()
                .map_err(|_| refused(name, value, "is not a whole number"))
        };
        let number = || match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(value.to_owned()),
            _ => Err(refused(name, value, "is not a number")),
        };
        let switch = || match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => Ok(true),
            "off" | "false" | "no" | "0" => Ok(false),
            _ => Err(refused(name, value, "is neither on nor off")),
        };
        match name {
            "input_file_name" => self.input = Some(value.to_owned()),
            "width" => self.resolution.width = side(name, natural()?)?,
            "height" => self.resolution.height = side(name, natural()?)?,
            "initial_frame" => self.animation.initial_frame = Some(integer()?),
            "final_frame" => self.animation.final_frame = Some(integer()?),
            "initial_clock" => self.animation.initial_clock = number()?,
            "final_clock" => self.animation.final_clock = number()?,
            "clock" => self.animation.clock = number()?,
            "cyclic_animation" | "cyclic" => self.animation.cyclic = switch()?,
            "antialias" => match switch() {
                Ok(on) => antialias.0 = on,
                // `+A0.3` and `antialias=0.3` switch it on and say how.
                Err(_) => {
                    *antialias = (
                        true,
                        Antialias {
                            threshold: number()?,
                            ..antialias.1.clone()
                        },
                    )
                }
            },
            "antialias_threshold" => antialias.1.threshold = number()?,
            "antialias_method" | "sampling_method" => antialias.1.method = natural()?.clamp(1, 2),
            "antialias_depth" => antialias.1.depth = natural()?.clamp(1, 9),
            "jitter" => antialias.1.jitter = switch().or_else(|_| number().map(|_| true))?,
            "quality" => self.quality = Some(natural()?.min(11)),
            "output_alpha" | "alpha" => self.alpha = switch()?,
            "declare" => {
                let declared = declare(value).ok_or_else(|| refused(name, value, "is not of the form name=number"))?;
                self.declares.retain(|(known, _)| *known != declared.0);
                self.declares.push(declared);
            }
            _ if name.ends_with("_command") => self.commands.push(value.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `fp=0` as a name and a number, and nothing that POV-Ray could read as more than that.
fn declare(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let word = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let number = value.parse::<f64>().is_ok_and(f64::is_finite);
    (word && starts && number).then(|| (name.to_owned(), value.to_owned()))
}

/// INI comments begin with `;` outside quotes.
fn strip_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == ';' && !quoted
    });
    end.map_or(line, |(at, _)| &line[..at])
}

fn side(name: &str, pixels: u32) -> Result<u32, EngineError> {
    match pixels {
        1..=rayswarm_model::picture::SIDE_MAX => Ok(pixels),
        _ => Err(refused(name, &pixels.to_string(), "is not a picture's side")),
    }
}

fn refused(name: &str, value: &str, why: &str) -> EngineError {
    EngineError::Refused {
        code: "bad_option",
        message: format!("{name}={value} {why}"),
        remedy:
            "options are declare=NAME=NUMBER, antialias, antialias_method, antialias_depth, jitter, quality, alpha, \
                 clock, initial_frame, final_frame, initial_clock, final_clock, cyclic, width and height"
                .into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_animation_ini_is_read_with_its_switches() {
        let ini = "; comment\nAntialias=On\nAntialias_Threshold=0.2 ; why\nInput_File_Name=\"a;b.pov\"\n\
                   +kf0.1666 +kff20 +kc declare=fp=0 +W320 +WT4\nPost_Frame_Command=rm -rf /\n[High]\nWidth=4000\n";
        let settings = Settings::resolve(ini, &[]).unwrap();
        assert_eq!(settings.input.as_deref(), Some("a;b.pov"));
        assert_eq!(
            settings.resolution,
            Resolution {
                width: 320,
                height: 600
            }
        );
        assert_eq!(
            settings.antialias,
            Some(Antialias {
                threshold: "0.2".into(),
                ..Antialias::default()
            })
        );
        assert_eq!(settings.declares, [("fp".to_owned(), "0".to_owned())]);
        assert_eq!(settings.animation.final_frame, Some(20));
        assert_eq!(settings.animation.final_clock, "0.1666");
        assert!(settings.animation.cyclic);
        assert_eq!(settings.commands, ["rm -rf /"]);
    }

    #[test]
    fn options_override_the_ini() {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = [
            option("declare", "fp=1"),
            option("antialias", "off"),
            option("final_frame", "4"),
        ];
        let settings = Settings::resolve("Declare=fp=0\nAntialias=on\n+kff20", &options).unwrap();
        assert_eq!(settings.declares, [option("fp", "1")]);
        assert_eq!(settings.antialias, None);
        assert_eq!(settings.animation.final_frame, Some(4));
    }

    #[test]
    fn bad_options_are_refused() {
        for (name, value) in [
            ("declare", "fp"),
            ("declare", "a b=1"),
            ("declare", "x=1+system(1)"),
            ("width", "0"),
            ("width", "x"),
            ("initial_clock", "inf"),
            ("output_file_name", "/etc/passwd"),
            ("library_path", "/"),
        ] {
            assert!(
                Settings::resolve("", &[(name.into(), value.into())]).is_err(),
                "{name}={value}"
            );
        }
    }
}
