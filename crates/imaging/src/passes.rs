//! What a render pass means when the slices of a tile are put together.
//!
//! Measured with Cycles 4.5 (four slices of sixteen samples against the whole, adaptive sampling off, scene with glass,
//! transparency, motion and depth of field). Colour, albedo, normal, UV, AO and denoising passes: the mean is within
//! 5e-7. Depth, Position and the indices are written by the first sample alone. The rest are not sums of samples: light
//! passes are divided by their colour pass, Vector by its weight, the shadow catcher by its unshadowed light; Mist is
//! clamped; Cryptomatte is a ranked list. Their mean is off by 2 to 30 % of the pixels.

/// How the slices of one channel become the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceRule {
    /// The mean of all slices, each weighted by its number of samples.
    Mean,
    /// The first slice's sample; later slices hold nothing.
    First,
    /// Not possible; the text says why.
    Refused(&'static str),
}

/// The pass of a channel named `Layer.Pass.Component`, or of `Pass.Component`; `None` for a bare component such as `R`.
/// Layers may have dots in their names, passes may not.
pub fn pass_of(channel: &str) -> Option<&str> {
    let (rest, _component) = channel.rsplit_once('.')?;
    Some(rest.rsplit_once('.').map_or(rest, |(_layer, pass)| pass))
}

/// How slices of `channel` (its full name) are merged. Old and new (Blender 5) pass names are known; an unknown pass is
/// an AOV, which Cycles accumulates like colour.
pub fn slice_rule(channel: &str) -> SliceRule {
    let Some(pass) = pass_of(channel) else {
        return SliceRule::Mean;
    };
    match pass {
        "Depth" | "Position" | "IndexOB" | "IndexMA" | "Object Index" | "Material Index" => SliceRule::First,
        "DiffDir"
        | "DiffInd"
        | "GlossDir"
        | "GlossInd"
        | "TransDir"
        | "TransInd"
        | "Diffuse Direct"
        | "Diffuse Indirect"
        | "Glossy Direct"
        | "Glossy Indirect"
        | "Transmission Direct"
        | "Transmission Indirect" => SliceRule::Refused("light passes are divided by their colour pass"),
        "Shadow Catcher" => SliceRule::Refused("it is divided by the unshadowed light"),
        "Vector" => SliceRule::Refused("motion is divided by the weight of moving samples"),
        "Mist" => SliceRule::Refused("mist is clamped after the samples are summed"),
        _ if pass.starts_with("Crypto") => SliceRule::Refused("Cryptomatte ranks objects instead of summing samples"),
        _ => SliceRule::Mean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_found_in_channel_names() {
        let cases = [
            ("ViewLayer.Combined.R", Some("Combined")),
            ("Second.Layer.Noisy Image.A", Some("Noisy Image")),
            ("Depth.Z", Some("Depth")),
            ("R", None),
        ];
        for (channel, pass) in cases {
            assert_eq!(pass_of(channel), pass, "{channel}");
        }
    }

    #[test]
    fn each_pass_has_its_rule() {
        for channel in [
            "R",
            "ViewLayer.Combined.R",
            "ViewLayer.Denoising Depth.Z",
            "ViewLayer.my aov.R",
            "a.b.UV.U",
        ] {
            assert_eq!(slice_rule(channel), SliceRule::Mean, "{channel}");
        }
        for channel in [
            "ViewLayer.Depth.Z",
            "ViewLayer.Position.X",
            "ViewLayer.IndexOB.X",
            "Material Index.X",
        ] {
            assert_eq!(slice_rule(channel), SliceRule::First, "{channel}");
        }
        for channel in [
            "V.CryptoObject00.r",
            "V.DiffDir.B",
            "V.Vector.W",
            "V.Mist.Z",
            "V.Shadow Catcher.R",
        ] {
            assert!(matches!(slice_rule(channel), SliceRule::Refused(_)), "{channel}");
        }
    }
}
