//! A headless Chromium, driven through chromedriver (W3C WebDriver).

use std::cell::OnceCell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use picam_testkit::judges;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::camera::{free_address, wait_for};
use crate::http;

/// Whether there is a browser; prints the SKIPPED line if not.
pub fn installed() -> bool {
    judges::have("chromium", "chromium") & judges::have("chromedriver", "chromium-driver")
}

/// The program of axe-core; prints the SKIPPED line if it is not here.
fn axe_core() -> Option<String> {
    let cache = std::env::var("PICAM_TEST_CACHE").unwrap_or("/var/tmp/picam-tests".into());
    let program = fs::read_to_string(Path::new(&cache).join("axe-core/axe.min.js")).ok();
    if program.is_none() {
        judges::skip("axe-core is not here", "scripts/setup test");
    }
    program
}

/// A browser window.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    axe: OnceCell<Option<String>>,
    _profile: TempDir,
}

impl Browser {
    /// Opens one of a phone's size.
    pub fn open() -> Self {
        let address = free_address();
        let profile = tempfile::tempdir().unwrap();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            driver,
            address,
            session: String::new(),
            axe: OnceCell::new(),
            _profile: profile,
        };
        wait_for("chromedriver", Duration::from_secs(20), || {
            let status = http::get(address, "/status")?;
            status["value"]["ready"].as_bool().filter(|&ready| ready)
        });
        let data = format!("--user-data-dir={}", browser._profile.path().display());
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
            "--window-size=412,915",
            &data,
        ];
        let options = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": args },
            "timeouts": { "script": 30_000, "pageLoad": 30_000 },
        } } });
        let (status, answer) = http::request(address, "POST", "/session", Some(&options)).unwrap();
        assert_eq!(status, 200, "{answer}");
        browser.session = answer["value"]["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        let (status, answer) = http::request(self.address, "POST", &path, Some(body)).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer["value"].clone()
    }

    /// Goes to an address.
    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Turns the phone: width and height in pixels.
    pub fn turn(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Pretends that the person has this preference, such as `forced-colors: active`.
    pub fn prefer(&self, name: &str, value: &str) {
        let media = json!({ "features": [{ "name": name, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &media);
    }

    /// Runs a script before each page's own, from the next on.
    pub fn before_each_page(&self, script: &str) {
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &source);
    }

    fn devtools(&self, command: &str, params: &Value) {
        let body = json!({ "cmd": command, "params": params });
        self.post("goog/cdp/execute", &body);
    }

    /// Saves what is downloaded into a directory, and asks nobody.
    pub fn save_to(&self, directory: &Path) {
        let params = json!({ "behavior": "allow", "downloadPath": directory });
        self.devtools("Browser.setDownloadBehavior", &params);
    }

    /// What stands for an element that an expression gives.
    fn element(&self, expression: &str) -> String {
        let found = self.value(expression);
        let id = found.as_object().and_then(|found| found.values().next());
        let id = id.and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{expression} is {found}"))
            .to_owned()
    }

    /// Taps on the middle of an element with a finger.
    pub fn tap(&self, expression: &str) {
        let id = self.element(expression);
        let origin = json!({ "element-6066-11e4-a52e-4f735466cecf": id });
        let finger = json!({ "type": "pointer", "id": "finger", "parameters": { "pointerType": "touch" }, "actions": [
            { "type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0 },
            { "type": "pointerDown", "button": 0 },
            { "type": "pause", "duration": 30 },
            { "type": "pointerUp", "button": 0 },
        ] });
        self.post("actions", &json!({ "actions": [finger] }));
    }

    /// A tap with a finger on the middle of an element, which has to be in sight and under nothing else.
    pub fn tap_in_sight(&self, element: &str) {
        let hit = self.value(&format!(
            "(() => {{ const e = {element}; const r = e.getBoundingClientRect(); \
             const [x, y] = [r.left + r.width / 2, r.top + r.height / 2]; \
             const on = document.elementFromPoint(x, y); \
             if (!(e === on || e.contains(on))) return `${{r.top}}..${{r.bottom}} of ${{innerHeight}}: ${{on?.outerHTML}}`; \
             return null; }})()"
        ));
        assert_eq!(hit, Value::Null, "{element} cannot be tapped");
        self.tap(element);
    }

    /// Presses keys in an element.
    pub fn keys(&self, expression: &str, keys: &str) {
        let id = self.element(expression);
        self.post(&format!("element/{id}/value"), &json!({ "text": keys }));
    }

    /// Goes back as with the phone's button.
    pub fn back(&self) {
        self.post("back", &json!({}));
    }

    /// The value of an expression on the page that is shown.
    pub fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression on the page is true.
    pub fn until(&self, expression: &str) {
        wait_for(expression, Duration::from_secs(30), || {
            (self.value(expression) == json!(true)).then_some(())
        });
    }

    /// Panics if axe-core finds anything wrong with the page that is shown, and says what. The program comes from
    /// `scripts/setup test`; without it nothing is looked at, and the SKIPPED line is printed once a browser.
    pub fn assert_accessible(&self, shown: &str) {
        let Some(axe) = self.axe.get_or_init(axe_core) else {
            return;
        };
        self.post("execute/sync", &json!({ "script": axe, "args": [] }));
        let found = self.script(AXE, &[]);
        let lines = found.as_array().unwrap_or_else(|| panic!("{found}")).iter();
        let lines: Vec<String> = lines.map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0], "{shown}");
    }

    /// Keeps a picture of the page in the directory that `PICAM_PICTURES` names, for people to look at.
    pub fn show(&self, name: &str) {
        if let Some(directory) = std::env::var_os("PICAM_PICTURES") {
            let file = Path::new(&directory).join(format!("{name}.png.base64"));
            fs::write(file, self.picture()).unwrap();
        }
    }

    /// What is shown, as a PNG in base64.
    fn picture(&self) -> String {
        let path = format!("/session/{}/screenshot", self.session);
        let picture = http::get(self.address, &path).unwrap();
        picture["value"].as_str().unwrap().to_owned()
    }

    /// Runs a function body with `arguments`, the last of which is called with the result.
    pub fn script(&self, body: &str, arguments: &[&str]) -> Value {
        self.post(
            "execute/async",
            &json!({ "script": body, "args": arguments }),
        )
    }

    /// Plays a video for a moment, then jumps near its end, on the page that is shown. Gives its
    /// length in seconds, or what went wrong.
    pub fn play(&self, source: &str) -> Result<f64, String> {
        let answer = self.script(PLAY, &[source]);
        answer.as_f64().ok_or_else(|| answer.to_string())
    }
}

/// Resolves to the duration once pictures were shown at the start and near the end.
const PLAY: &str = r#"
const [source, done] = arguments;
const video = document.createElement("video");
const fail = (what) => { video.remove(); done(what); };
video.muted = true;
video.onerror = () => fail(`error ${video.error.code}: ${video.error.message}`);
const timer = setTimeout(() => fail(`stuck at ${video.currentTime} of ${video.duration}, ` +
    `ready ${video.readyState}, network ${video.networkState}`), 20000);
let jumped = false;
let shownBefore = 0;
video.ontimeupdate = () => {
    const shown = video.getVideoPlaybackQuality().totalVideoFrames;
    if (!jumped && video.currentTime > 0.3 && shown > 3) {
        jumped = true;
        shownBefore = shown;
        video.currentTime = Math.max(0, video.duration - 0.3);
    } else if (jumped && !video.seeking && shown > shownBefore) {
        clearTimeout(timer);
        const duration = video.duration;
        video.remove();
        done(duration);
    }
};
document.body.append(video);
video.src = source;
video.play().catch((error) => fail(String(error)));
"#;

const AXE: &str = r#"
const [done] = arguments;
axe.run(document, { resultTypes: ["violations"] }).then(
    ({ violations }) => done(violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((n) => n.html).join(" ")}`)),
    (error) => done(String(error)),
);
"#;

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        let _ = http::request(self.address, "DELETE", &path, None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
