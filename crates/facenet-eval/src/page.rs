//! The report as one HTML page that needs nothing else: style, pictures and faces are inside, and it asks no host.

mod html;
mod parts;
mod thumbnail;

use facenet_core::RgbImage;

use crate::picture::PictureError;
use crate::{
    ClusteringReport, Comparison, HardestPairs, IdentificationReport, NamedPair, RejectCurve, Slices,
    VerificationReport,
};

/// A report: what was measured, with the command that measures it again.
#[derive(Debug)]
pub struct ReportPage<'a> {
    /// The heading: any text.
    pub title: &'a str,
    /// The model, for example its contract's id.
    pub model: &'a str,
    /// The command that wrote the page.
    pub command: &'a str,
    /// Verification of all pairs.
    pub verification: Part<'a, &'a VerificationReport>,
    /// By column of a table.
    pub slices: Option<Part<'a, &'a [Slices]>>,
    /// Beside another model.
    pub comparison: Option<Part<'a, &'a Comparison>>,
    /// In galleries.
    pub identification: Option<Part<'a, &'a IdentificationReport>>,
    /// By linkage and threshold.
    pub clustering: Option<Part<'a, &'a ClusteringReport>>,
    /// Without pictures of poor quality.
    pub reject: Option<Part<'a, &'a RejectCurve>>,
    /// What goes most wrong; nothing is shown of pairs for which `picture` gives none.
    pub hardest: &'a HardestPairs<'a>,
}

/// One part of a report.
#[derive(Debug)]
pub struct Part<'a, T> {
    /// What was measured.
    pub report: T,
    /// The command that gives the same figures.
    pub command: &'a str,
    /// SVG pictures with what they show, in words.
    pub pictures: Vec<(&'a str, &'a str)>,
}

/// The two faces of a pair.
pub type Faces<'a> = [&'a RgbImage; 2];

impl ReportPage<'_> {
    /// The page as HTML. `faces` gives the pictures of a pair's two faces, each with at least one pixel.
    ///
    /// # Errors
    /// When a face's picture has no pixels.
    pub fn html<'f>(
        &self,
        faces: impl Fn(&NamedPair<'_>) -> Option<Faces<'f>>,
    ) -> Result<String, PictureError> {
        let mut sections = vec![parts::verification(&self.verification)];
        sections.extend(self.comparison.as_ref().map(parts::comparison));
        sections.extend(self.slices.as_ref().map(parts::slices));
        sections.extend(self.identification.as_ref().map(parts::identification));
        sections.extend(self.clustering.as_ref().map(parts::clustering));
        sections.extend(self.reject.as_ref().map(parts::reject));
        sections.push(parts::hardest(self.hardest, self.command, faces)?);
        Ok(html::page(self.title, &parts::summary(self), self.command, &sections))
    }
}

#[cfg(test)]
mod tests;
