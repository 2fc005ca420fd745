//! From parts to HTML.

use std::fmt::Write as _;

/// A part of the page under a heading.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What the figures mean.
    pub(super) lead: String,
    pub(super) blocks: Vec<Block>,
    pub(super) command: String,
}

/// What a section consists of; texts are not escaped yet.
pub(super) enum Block {
    /// A paragraph, more quiet than the lead.
    Note(String),
    Table(Table),
    Figure {
        svg: String,
        caption: String,
    },
    Faces {
        title: String,
        pairs: Vec<FacePair>,
    },
}

/// A table whose first column names its rows.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Two faces and what they are; the addresses are `data:`.
pub(super) struct FacePair {
    pub(super) faces: [(String, String); 2],
    pub(super) distance: f32,
}

/// No script, no host: even a hole in the escaping of a name could load and run nothing.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The whole page; `summary` are names and figures.
pub(super) fn page(title: &str, summary: &[(String, String)], command: &str, sections: &[Section]) -> String {
    let mut html = String::new();
    let title = escaped(title);
    let style = include_str!("page.css");
    html += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    add(&mut html, format_args!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"));
    add(&mut html, format_args!("<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"));
    html += "<a class=\"skip\" href=\"#report\">Skip to the figures</a>\n";
    add(&mut html, format_args!("<header>\n<h1>{title}</h1>\n<dl>\n"));
    for (name, value) in summary {
        add(&mut html, format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value)));
    }
    html += "</dl>\n<nav aria-label=\"Sections\"><ul role=\"list\">\n";
    for Section { id, title, .. } in sections {
        add(&mut html, format_args!("<li><a href=\"#{id}\">{title}</a></li>\n"));
    }
    html += "</ul></nav>\n</header>\n<main id=\"report\">\n";
    sections.iter().for_each(|part| section(&mut html, part));
    html += "</main>\n<footer><p>This page is one file: it holds its pictures. It was written by</p>\n";
    add(
        &mut html,
        format_args!(
            "<pre tabindex=\"0\"><code>{}</code></pre></footer>\n</body>\n</html>\n",
            escaped(command)
        ),
    );
    html
}

/// `text` as HTML, for content and for attributes in quotes. Control characters, which no page can show, become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(char::REPLACEMENT_CHARACTER),
            other => html.push(other),
        }
    }
    html
}

fn add(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("memory takes text");
}

fn section(html: &mut String, Section { id, title, lead, blocks, command }: &Section) {
    add(html, format_args!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n"));
    add(html, format_args!("<p>{}</p>\n", escaped(lead)));
    blocks.iter().for_each(|part| block(html, part));
    add(
        html,
        format_args!(
            "<p class=\"soft\">Given by</p>\n<pre tabindex=\"0\"><code>{}</code></pre>\n</section>\n",
            escaped(command)
        ),
    );
}

fn block(html: &mut String, block: &Block) {
    match block {
        Block::Note(text) => add(html, format_args!("<p class=\"soft\">{}</p>\n", escaped(text))),
        Block::Table(part) => table(html, part),
        Block::Figure { svg, caption } => {
            let caption = escaped(caption);
            add(
                html,
                format_args!(
                    "<figure class=\"chart\"><div class=\"scroll\" tabindex=\"0\" role=\"img\" aria-label=\"{caption}\">\n"
                ),
            );
            add(html, format_args!("{svg}</div>\n<figcaption>{caption}</figcaption></figure>\n"));
        }
        Block::Faces { title, pairs } => {
            add(html, format_args!("<h3>{}</h3>\n<ul class=\"pairs\" role=\"list\">\n", escaped(title)));
            pairs.iter().for_each(|pair| faces(html, pair));
            html.push_str("</ul>\n");
        }
    }
}

fn table(html: &mut String, Table { caption, head, rows }: &Table) {
    let caption = escaped(caption);
    add(
        html,
        format_args!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>\n"
        ),
    );
    add(html, format_args!("<caption>{caption}</caption>\n<thead><tr>"));
    head.iter().for_each(|cell| add(html, format_args!("<th scope=\"col\">{}</th>", escaped(cell))));
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let mut cells = row.iter();
        let name = cells.next().map_or(String::new(), |name| escaped(name));
        add(html, format_args!("<tr><th scope=\"row\">{name}</th>"));
        cells.for_each(|cell| table_cell(html, cell));
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

/// Cells longer than this may break into lines.
const LONG_CELL: usize = 24;

/// A range in brackets stands small under its value.
fn table_cell(html: &mut String, cell: &str) {
    let (value, range) = cell.split_once(" (").unwrap_or((cell, ""));
    let class = if value.chars().count() > LONG_CELL { " class=\"long\"" } else { "" };
    add(html, format_args!("<td{class}>{}", escaped(value)));
    if !range.is_empty() {
        add(html, format_args!(" <small>({}</small>", escaped(range)));
    }
    html.push_str("</td>");
}

fn faces(html: &mut String, FacePair { faces, distance }: &FacePair) {
    html.push_str("<li><figure><div class=\"two\">");
    for (name, picture) in faces {
        let name = escaped(name);
        add(html, format_args!("<img src=\"{picture}\" alt=\"Face in {name}\" width=\"96\" height=\"96\">"));
    }
    let [(left, _), (right, _)] = faces;
    add(
        html,
        format_args!(
            "</div><figcaption><strong>{distance:.3}</strong> <bdi>{}</bdi> <bdi>{}</bdi></figcaption></figure></li>\n",
            escaped(left),
            escaped(right)
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place() {
        assert_eq!(escaped("<a href=\"x\">'&\u{7}"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\u{fffd}");
    }

    #[test]
    fn the_first_cell_of_a_row_is_its_heading() {
        let mut html = String::new();
        let rows = vec![vec!["EER".into(), "5 %".into()]];
        table(
            &mut html,
            &Table { caption: "a < b".into(), head: vec!["figure".into(), "value".into()], rows },
        );
        assert!(html.contains("<tr><th scope=\"row\">EER</th><td>5 %</td></tr>"), "{html}");
        assert!(html.contains("<caption>a &lt; b</caption>"), "{html}");
    }

    #[test]
    fn a_range_stands_under_its_value_and_long_words_may_break() {
        let mut html = String::new();
        table_cell(&mut html, "5.00 % (4.00 … 6.00)");
        table_cell(&mut html, "FAR 1e-3 on the pairs of a long name");
        let expected = "<td>5.00 % <small>(4.00 … 6.00)</small></td>\
                        <td class=\"long\">FAR 1e-3 on the pairs of a long name</td>";
        assert_eq!(html, expected);
    }
}
