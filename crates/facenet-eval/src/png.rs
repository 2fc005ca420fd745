//! Pictures as PNG, with letters that the program brings along: no font of the system is needed or used.

use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};

use crate::picture::{FONT, PictureError};

/// The family that stands for `sans-serif`.
const FAMILY: &str = "Ubuntu";

/// Renders one of this crate's SVG pictures as PNG, pixel for pixel.
///
/// # Errors
/// When `svg` is no SVG picture, or one without size.
pub fn png(svg: &str) -> Result<Vec<u8>, PictureError> {
    let options =
        usvg::Options { font_family: FONT.into(), fontdb: Arc::clone(fonts()), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| PictureError::Draw(error.into()))?;
    let size = tree.size().to_int_size();
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| PictureError::Draw("the picture has no pixels".into()))?;
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PictureError::Draw(error.into()))
}

fn fonts() -> &'static Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        let family = fonts.faces().next().map_or(FAMILY.to_owned(), |face| face.families[0].0.clone());
        fonts.set_sans_serif_family(family);
        Arc::new(fonts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(svg: &str) -> image::RgbImage {
        let png = png(svg).unwrap();
        image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap().to_rgb8()
    }

    const HEAD: &str =
        r#"<svg width="200" height="100" viewBox="0 0 200 100" xmlns="http://www.w3.org/2000/svg">"#;

    #[test]
    fn a_picture_keeps_size_and_colours() {
        let image = decoded(&format!("{HEAD}<rect width=\"200\" height=\"100\" fill=\"#0072B2\"/></svg>"));
        assert_eq!((image.dimensions(), image.get_pixel(100, 50).0), ((200, 100), [0, 114, 178]));
    }

    #[test]
    fn letters_are_drawn_without_fonts_of_the_system() {
        let text = format!(
            "{HEAD}<rect width=\"200\" height=\"100\" fill=\"#FFFFFF\"/>\
             <text x=\"10\" y=\"60\" font-family=\"sans-serif\" font-size=\"40\" fill=\"#000000\">FAR …</text></svg>"
        );
        let dark = decoded(&text).pixels().filter(|pixel| pixel.0[0] < 128).count();
        assert!(dark > 200, "{dark} dark pixels");
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        for text in ["", "a letter", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"0\"/>"] {
            assert!(png(text).is_err(), "{text:?}");
        }
    }
}
