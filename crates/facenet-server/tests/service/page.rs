//! The page, the page to try the routes, and what browsers are told about them.

use crate::client::making;

#[test]
fn pages_come_from_this_service_alone() {
    let service = making().start();
    for path in ["/", "/docs", "/people/3"] {
        let page = service.get(path).expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        let text = page.text();
        for outside in ["http://", "https://", "src=\"//", "href=\"//"] {
            assert!(!text.contains(outside), "{path} names {outside}");
        }
        assert_eq!(
            (page.header("x-content-type-options"), page.header("x-frame-options")),
            ("nosniff", "DENY")
        );
    }
    let script = service.get("/docs.js").expect(200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(!script.text().contains("innerHTML"));
}

#[test]
fn answers_about_people_are_kept_by_nobody() {
    let service = making().with_gallery().start();
    for path in ["/v1/people", "/v1/people/9", "/openapi.json"] {
        let answer = service.get(path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    }
    assert_eq!(service.get("/gone.js").problem(404), "not-found");
}
