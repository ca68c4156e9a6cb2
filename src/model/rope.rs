//! The base of the rotation. It may be stated in several places; all of them must agree.

use super::ModelError;
use super::json::Object;
use super::keys;

/// What Hugging Face takes where no file says it.
const DEFAULT: f64 = 10_000.0;

/// A base, and the key that states it.
struct Stated {
    key: String,
    theta: f64,
}

/// `rope_theta`, at the top or inside `rope_parameters` or `rope_scaling`. Every other way to rotate is refused by name.
///
/// The classes of these families have one base for all layers: settings per type of layers, which newer files may have,
/// are not read by them, so they are accepted only if they state the base that is used anyway.
pub(super) fn theta(object: &Object) -> Result<f64, ModelError> {
    let mut stated = state(object, None)?;
    let mut nested = Vec::new();
    for key in ["rope_scaling", "rope_parameters"] {
        let Some(settings) = object.object(key)? else {
            continue;
        };
        for unknown in keys::check(&settings, keys::ROPE)? {
            if !keys::LAYER_TYPES.contains(&unknown.as_str()) {
                return Err(unknown_key(&settings, &unknown));
            }
            nested.extend(settings.object(&unknown)?);
        }
        stated = state(&settings, stated)?;
    }
    let used = stated.unwrap_or(Stated {
        key: "the default".to_owned(),
        theta: DEFAULT,
    });
    for settings in nested {
        if let Some(unknown) = keys::check(&settings, keys::ROPE)?.first() {
            return Err(unknown_key(&settings, unknown));
        }
        if let Some(own) = state(&settings, None)?
            && own.theta != used.theta
        {
            return Err(ModelError::NestedTheta {
                path: object.path().into(),
                key: own.key,
                value: own.theta,
                other: used.key,
                expected: used.theta,
            });
        }
    }
    Ok(used.theta)
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
