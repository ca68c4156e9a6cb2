//! How positions are rotated: the base, and what stretches the angles. Both may be stated in several places; all of them must agree.

use super::json::Object;
use super::keys;
use super::{ModelError, Warning};
use std::f64::consts::TAU;

/// The angles of a model's positions, as Hugging Face's library computes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    pub theta: f64,
    /// Width of a head, whose channels are turned in pairs.
    pub head_dim: usize,
    pub scaling: Scaling,
}

/// What stretches the angles, for more positions than the model was first trained for.
#[derive(Debug, Clone, PartialEq)]
pub enum Scaling {
    None,
    /// Every angle is divided by a factor.
    Linear {
        factor: f64,
    },
    /// Slow angles are divided by a factor, fast ones are not, and those between go over.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    /// The same with another way between, and scores are multiplied by `attention²`.
    Yarn {
        factor: f64,
        original: f64,
        beta_fast: f64,
        beta_slow: f64,
        truncate: bool,
        attention: f64,
    },
}

impl Rotation {
    /// Radians for each position, for each pair of a head.
    pub fn frequencies(&self) -> Vec<f64> {
        let pairs = (0..self.head_dim).step_by(2);
        let plain = pairs.map(|i| self.theta.powf(-(i as f64) / self.head_dim as f64));
        match self.scaling {
            Scaling::None => plain.collect(),
            Scaling::Linear { factor } => plain.map(|f| f / factor).collect(),
            Scaling::Llama3 {
                factor,
                low,
                high,
                original,
            } => plain
                .map(|f| {
                    let turns = original * f / TAU;
                    let share = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                    (1.0 - share) * f / factor + share * f
                })
                .collect(),
            Scaling::Yarn {
                factor,
                original,
                beta_fast,
                beta_slow,
                truncate,
                ..
            } => {
                let [first, last] = self.ramp(original, beta_fast, beta_slow, truncate);
                plain
                    .enumerate()
                    .map(|(pair, f)| {
                        let slow = ((pair as f64 - first) / (last - first)).clamp(0.0, 1.0);
                        slow * f / factor + (1.0 - slow) * f
                    })
                    .collect()
            }
        }
    }

    /// What scores of two rotated vectors are multiplied by.
    pub fn score_factor(&self) -> f64 {
        match self.scaling {
            Scaling::Yarn { attention, .. } => attention * attention,
            _ => 1.0,
        }
    }

    /// Pairs between which yarn's angles go over: those that turn so often within the first context.
    fn ramp(&self, original: f64, beta_fast: f64, beta_slow: f64, truncate: bool) -> [f64; 2] {
        let width = self.head_dim as f64;
        let pair = |turns: f64| width * (original / (turns * TAU)).ln() / (2.0 * self.theta.ln());
        let (mut first, mut last) = (pair(beta_fast), pair(beta_slow));
        if truncate {
            (first, last) = (first.floor(), last.ceil());
        }
        let (first, last) = (first.max(0.0), last.min(width - 1.0));
        match first == last {
            true => [first, last + 0.001],
            false => [first, last],
        }
    }
}

/// A base, and the key that states it.
struct Stated {
    key: String,
    theta: f64,
}

/// What a family's class takes where its files say nothing.
pub(super) struct Defaults {
    pub(super) theta: f64,
    pub(super) head_dim: usize,
    /// `max_position_embeddings`.
    pub(super) positions: usize,
}

/// `rope_theta`, at the top or inside `rope_parameters` or `rope_scaling`, and the scaling of one of these. Every other way to rotate is refused by name.
///
/// The classes of these families have one rotation for all layers: settings per type of layers, which newer files may have,
/// are not read by them, so they are accepted only if they state the base that is used anyway.
pub(super) fn rotation(
    object: &Object,
    defaults: Defaults,
    warnings: &mut Vec<Warning>,
) -> Result<Rotation, ModelError> {
    let mut stated = state(object, None)?;
    let mut nested = Vec::new();
    let mut scaling: Option<(&str, Scaling)> = None;
    for key in ["rope_scaling", "rope_parameters"] {
        let Some(settings) = object.object(key)? else {
            continue;
        };
        let kind = kind(&settings)?;
        for unknown in keys::check(&settings, &[keys::ROPE, kind.keys])? {
            if !keys::LAYER_TYPES.contains(&unknown.as_str()) {
                return Err(unknown_key(&settings, &unknown));
            }
            nested.extend(settings.object(&unknown)?);
        }
        stated = state(&settings, stated)?;
        let own = (kind.read)(&settings, defaults.positions, warnings)?;
        match &scaling {
            Some((other, before)) if *before != own => {
                return Err(ModelError::ScalingContradiction {
                    path: object.path().into(),
                    key,
                    other,
                });
            }
            _ => scaling = Some((key, own)),
        }
    }
    let theta = match &stated {
        Some(stated) => stated.theta,
        None => {
            warnings.push(Warning::Default {
                path: object.path().into(),
                key: "rope_theta",
                value: defaults.theta as u64,
            });
            defaults.theta
        }
    };
    check_nested(object, &nested, stated, theta)?;
    Ok(Rotation {
        theta,
        head_dim: defaults.head_dim,
        scaling: scaling.map_or(Scaling::None, |(_, scaling)| scaling),
    })
}

/// Settings per type of layers: none that the model does not have anyway.
fn check_nested(
    object: &Object,
    nested: &[Object],
    stated: Option<Stated>,
    theta: f64,
) -> Result<(), ModelError> {
    let other = stated.map_or("the default".to_owned(), |stated| stated.key);
    for settings in nested {
        let tables = [keys::ROPE_NESTED, keys::ROPE];
        if let Some(unknown) = keys::check(settings, &tables)?.first() {
            return Err(unknown_key(settings, unknown));
        }
        if let Some(own) = state(settings, None)?
            && own.theta != theta
        {
            return Err(ModelError::NestedTheta {
                path: object.path().into(),
                key: own.key,
                value: own.theta,
                other,
                expected: theta,
            });
        }
    }
    Ok(())
}

/// A type of scaling: its keys, and how they are read.
struct Kind {
    name: &'static str,
    keys: keys::Table,
    read: fn(&Object, usize, &mut Vec<Warning>) -> Result<Scaling, ModelError>,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "default",
        keys: keys::ROPE_DEFAULT,
        read: |_, _, _| Ok(Scaling::None),
    },
    Kind {
        name: "linear",
        keys: keys::ROPE_LINEAR,
        read: |settings, _, _| {
            Ok(Scaling::Linear {
                factor: number(settings, "factor", 1.0, FACTOR)?,
            })
        },
    },
    Kind {
        name: "llama3",
        keys: keys::ROPE_LLAMA3,
        read: llama3,
    },
    Kind {
        name: "yarn",
        keys: keys::ROPE_YARN,
        read: yarn,
    },
];

/// Largest factor by which angles are stretched.
const FACTOR: f64 = 1e6;

/// The type that settings name, in the older spelling or the newer one; what they name is one of the types ([`keys::ROPE`]).
fn kind(settings: &Object) -> Result<&'static Kind, ModelError> {
    keys::check(settings, &[keys::ROPE])?;
    let (new, old) = (settings.text("rope_type")?, settings.text("type")?);
    if let (Some(new), Some(old)) = (new, old)
        && new != old
    {
        let value = serde_json::Value::from(old);
        return Err(settings.unsupported("type", &value, "`rope_type` names another type"));
    }
    let named = new.or(old);
    let found = KINDS.iter().find(|kind| Some(kind.name) == named);
    Ok(found.unwrap_or(&KINDS[0]))
}

fn llama3(settings: &Object, _: usize, _: &mut Vec<Warning>) -> Result<Scaling, ModelError> {
    let factor = number(settings, "factor", 1.0, FACTOR)?;
    let low = number(settings, "low_freq_factor", 1e-3, FACTOR)?;
    let high = number(settings, "high_freq_factor", 1e-3, FACTOR)?;
    let original = settings.size(ORIGINAL, MAX_ORIGINAL)? as f64;
    if high <= low {
        let value = serde_json::Value::from(high);
        let why = "it must be larger than `low_freq_factor`";
        return Err(settings.unsupported("high_freq_factor", &value, why));
    }
    Ok(Scaling::Llama3 {
        factor,
        low,
        high,
        original,
    })
}

const ORIGINAL: &str = "original_max_position_embeddings";
const MAX_ORIGINAL: usize = 1 << 24;

fn yarn(
    settings: &Object,
    positions: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Scaling, ModelError> {
    let factor = number(settings, "factor", 1.0, FACTOR)?;
    let original = settings.optional_size(ORIGINAL, MAX_ORIGINAL)?;
    if let Some(original) = original
        && (positions as f64 / original as f64 - factor).abs() > 1e-6 * factor
    {
        warnings.push(Warning::YarnFactor {
            path: settings.path().into(),
            key: settings.name("factor"),
            factor,
            positions,
            original,
        });
    }
    let of = |key| settings.float(key, 0.0, FACTOR);
    let mscale = |scale: f64| 0.1 * scale * factor.ln() + 1.0;
    let attention = match (
        of("attention_factor")?,
        of("mscale")?.filter(|scale| *scale != 0.0),
        of("mscale_all_dim")?.filter(|scale| *scale != 0.0),
    ) {
        (Some(stated), _, _) => stated,
        (None, Some(mixed), Some(all)) => mscale(mixed) / mscale(all),
        _ => mscale(1.0),
    };
    Ok(Scaling::Yarn {
        factor,
        original: original.unwrap_or(positions) as f64,
        beta_fast: settings.float("beta_fast", 1e-3, FACTOR)?.unwrap_or(32.0),
        beta_slow: settings.float("beta_slow", 1e-3, FACTOR)?.unwrap_or(1.0),
        truncate: settings.flag("truncate")?.unwrap_or(true),
        attention,
    })
}

fn number(settings: &Object, key: &str, min: f64, max: f64) -> Result<f64, ModelError> {
    settings
        .float(key, min, max)?
        .ok_or_else(|| settings.missing(key))
}

/// The base that `settings` states, which must be the one stated `before`.
fn state(settings: &Object, before: Option<Stated>) -> Result<Option<Stated>, ModelError> {
    let Some(theta) = settings.float("rope_theta", 1.0, 1e12)? else {
        return Ok(before);
    };
    let key = settings.name("rope_theta");
    match before {
        Some(other) if other.theta != theta => Err(ModelError::ThetaContradiction {
            path: settings.path().into(),
            key,
            value: theta,
            other: other.key,
            expected: other.theta,
        }),
        _ => Ok(Some(Stated { key, theta })),
    }
}

fn unknown_key(settings: &Object, key: &str) -> ModelError {
    ModelError::UnknownKey {
        path: settings.path().into(),
        key: settings.name(key),
    }
}
