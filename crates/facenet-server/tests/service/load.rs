//! More requests than there is room for, clients that leave, and the end.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use facenet_server::Limits;

use crate::client::{Service, making};

/// Asks until it is so: ten thousand round trips are seconds, after which something is wrong.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    assert!(
        (0..10_000).any(|_| is_so() || {
            std::thread::yield_now();
            false
        }),
        "{what} did not happen"
    );
}

fn figure(service: &Service, name: &str) -> f64 {
    let text = service.get("/metrics").expect(200).text();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn service(mut limits: Limits) -> Arc<Service> {
    limits.requests_per_second = 1e6;
    Arc::new(making().with_limits(limits).with(|settings, _| settings.metrics = true).start())
}

/// Sends an image from a thread of its own, which gives the status of the answer.
fn sent(service: &Arc<Service>, image: &'static str) -> std::thread::JoinHandle<u16> {
    let service = Arc::clone(service);
    std::thread::spawn(move || service.image("/v1/detect", image).status)
}

#[test]
fn ten_times_too_many_are_told_to_wait_and_the_others_are_answered() {
    let service = service(Limits { queue: 2, batch: 1, ..Limits::default() });
    let first = sent(&service, "wait:faces:0");
    service.gate.await_visitor();
    let others = [sent(&service, "faces:1"), sent(&service, "faces:2")];
    until("waiting", || figure(&service, "facenet_images_waiting") == 2.0);
    for _ in 0..20 {
        let refused = service.image("/v1/detect", "faces:3");
        assert_eq!((refused.problem(429), refused.header("retry-after")), ("overloaded".into(), "1"));
    }
    service.get("/v1/health").expect(200);
    service.gate.open();
    assert_eq!((first.join().unwrap(), others.map(|other| other.join().unwrap())), (200, [200, 200]));
    service.image("/v1/detect", "faces:3").expect(200);
    assert_eq!(service.gate.seen().len(), 4, "the engine never saw those that were refused");
}

#[test]
fn only_so_many_requests_are_in_work() {
    let service = service(Limits { in_flight: 1, ..Limits::default() });
    let first = sent(&service, "wait:faces:0");
    service.gate.await_visitor();
    assert_eq!(service.get("/v1/model").problem(429), "overloaded");
    service.gate.open();
    assert_eq!(first.join().unwrap(), 200);
    until("room", || service.get("/v1/model").status == 200);
}

#[test]
fn what_waits_together_is_one_batch() {
    let service = service(Limits { batch: 4, ..Limits::default() });
    let first = sent(&service, "wait:faces:0");
    service.gate.await_visitor();
    let others = ["faces:1", "faces:2", "faces:3", "faces:4"].map(|image| sent(&service, image));
    until("waiting", || figure(&service, "facenet_images_waiting") == 4.0);
    service.gate.open();
    assert_eq!((first.join().unwrap(), others.map(|other| other.join().unwrap())), (200, [200; 4]));
    assert_eq!(
        (figure(&service, "facenet_batches_total"), figure(&service, "facenet_images_total")),
        (2.0, 5.0)
    );
}

#[test]
fn an_answer_that_takes_too_long_is_none() {
    let service = service(Limits { answer_time: Duration::from_millis(50), ..Limits::default() });
    assert_eq!(service.image("/v1/detect", "wait:faces:0").problem(504), "deadline");
    service.gate.open();
}

#[test]
fn work_of_clients_that_left_is_passed_over() {
    let service = service(Limits { batch: 1, ..Limits::default() });
    let first = sent(&service, "wait:faces:0");
    service.gate.await_visitor();
    let mut left = TcpStream::connect(service.address()).unwrap();
    let request = b"POST /v1/detect HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 7\r\n\r\nfaces:7";
    left.write_all(request).unwrap();
    until("waiting", || figure(&service, "facenet_images_waiting") == 1.0);
    drop(left);
    // The first, and the one that asks.
    until("leaving", || figure(&service, "facenet_requests_in_flight") == 2.0);
    service.gate.open();
    assert_eq!(first.join().unwrap(), 200);
    service.image("/v1/detect", "faces:8").expect(200);
    assert_eq!(service.gate.seen(), ["wait:faces:0", "faces:8"]);
    assert_eq!(figure(&service, "facenet_images_skipped_total"), 1.0);
}

#[test]
fn a_client_that_left_in_the_middle_gets_the_answer_when_it_asks_again() {
    let making = making().with_gallery().with(|settings, _| settings.limits.requests_per_second = 1e6);
    let service = making.start();
    let mut left = TcpStream::connect(service.address()).unwrap();
    let head = "POST /v1/photos HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\nidempotency-key: a";
    left.write_all(format!("{head}\r\ncontent-length: 12\r\n\r\nwait:faces:0").as_bytes()).unwrap();
    service.gate.await_visitor();
    drop(left);
    let again = || {
        let headers = [("content-type", "image/png"), ("idempotency-key", "a")];
        service.send("POST", "/v1/photos", &headers, b"wait:faces:0")
    };
    assert_eq!(again().problem(409), "in-progress");
    service.gate.open();
    until("answering", || again().status == 201);
    assert_eq!(again().header("idempotency-replayed"), "true");
    assert_eq!(service.gate.seen().len(), 1, "it was done once");
}

#[test]
fn the_end_waits_for_what_was_accepted() {
    let service = service(Limits::default());
    let (address, gate) = (service.address(), service.gate.clone());
    // The request has a connection of its own, so that the service can be taken apart meanwhile.
    let request = std::thread::spawn({
        let address = address.clone();
        move || {
            let agent = ureq::Agent::new_with_defaults();
            let url = format!("http://{address}/v1/detect");
            agent
                .post(&url)
                .header("content-type", "image/png")
                .send("wait:faces:0")
                .unwrap()
                .status()
                .as_u16()
        }
    });
    gate.await_visitor();
    let service = Arc::into_inner(service).expect("no other thread has it");
    let stopping = std::thread::spawn(move || drop(service.stop()));
    until("closing", || TcpStream::connect(&address).is_err());
    gate.open();
    assert_eq!(request.join().unwrap(), 200);
    stopping.join().unwrap();
}
