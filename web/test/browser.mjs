/** Drives a headless Chromium through its debugging pipe: nothing but Node and a browser is needed. */

import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The browser's name: the variable CHROMIUM, or what is on the path. */
export function browserName() {
  const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : ['chromium', 'chromium-browser', 'google-chrome'];
  for (const name of names) {
    try {
      return { name, version: execFileSync(name, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim() };
    } catch {
      continue;
    }
  }
  throw new Error('no browser: install Chromium, or name one with CHROMIUM');
}

/** A browser with one page at a time. */
export class Browser {
  #child;
  #profile;
  #waiting = new Map();
  #next = 1;
  #listeners = new Set();

  static async start() {
    const browser = new Browser();
    browser.#profile = mkdtempSync(join(tmpdir(), 'cairo-decode-web-'));
    const options = ['--headless=new', '--disable-gpu', '--no-first-run', '--hide-scrollbars', '--remote-debugging-pipe'];
    // Chromium's sandbox does not work for root.
    if (process.getuid() === 0) options.push('--no-sandbox');
    options.push(`--user-data-dir=${browser.#profile}`, 'about:blank');
    browser.#child = spawn(browserName().name, options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    let rest = Buffer.alloc(0);
    browser.#child.stdio[4].on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        browser.#heard(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    return browser;
  }

  #heard(message) {
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const { take, fail, method } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) fail(new Error(`${method}: ${message.error.message}`));
    else take(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((take, fail) => this.#waiting.set(id, { take, fail, method }));
  }

  /** Opens a page; what it says on the console, and every request that it makes, is in `problems` and `requests`. */
  async open(url, { width = 1100, height = 900, dark = false, mobile = false } = {}) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    this.#listeners.add((message) => page.heard(message));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'DOM']) await page.send(`${domain}.enable`);
    const scheme = { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' };
    await page.send('Emulation.setEmulatedMedia', { features: [scheme] });
    await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: mobile ? 2 : 1, mobile });
    await page.send('Page.navigate', { url });
    await page.until('document.readyState === "complete"', 'the page is there');
    return page;
  }

  async close() {
    const ended = new Promise((take) => this.#child.once('exit', take));
    await this.send('Browser.close');
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

class Page {
  problems = [];
  requests = [];
  #browser;
  #target;
  #session;

  constructor(browser, target, session) {
    this.#browser = browser;
    this.#target = target;
    this.#session = session;
  }

  heard({ method, params, sessionId }) {
    if (sessionId !== this.#session) return;
    if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.problems.push(params.entry.text);
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error') this.problems.push(JSON.stringify(params.args));
    if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url);
  }

  send(method, params) {
    return this.#browser.send(method, params, this.#session);
  }

  /** The value of an expression, awaited. */
  async value(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(condition, what, seconds = 60) {
    const end = Date.now() + 1000 * seconds;
    while (!(await this.value(condition))) {
      if (Date.now() > end) throw new Error(`${what}: not so after ${seconds} s; ${this.problems.join('; ')}`);
      await new Promise((take) => setTimeout(take, 20));
    }
  }

  /** Gives files, or a folder, to an input of the page. */
  async choose(selector, files) {
    const { root } = await this.send('DOM.getDocument');
    const { nodeId } = await this.send('DOM.querySelector', { nodeId: root.nodeId, selector });
    await this.send('DOM.setFileInputFiles', { nodeId, files });
  }

  /** Drops files or folders on the page, as a person does. */
  async drop(files) {
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop']) {
      await this.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    }
  }

  async press(key, code = key) {
    const text = key === 'Enter' ? { text: '\r' } : {};
    const windowsVirtualKeyCode = { Enter: 13, Tab: 9 }[key];
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, windowsVirtualKeyCode, ...text });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code, windowsVirtualKeyCode });
  }

  async screenshot() {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true, format: 'png' });
    return Buffer.from(data, 'base64');
  }

  close() {
    return this.#browser.send('Target.closeTarget', { targetId: this.#target });
  }
}
