/** The page's worker: compiles the module it is given once, and verifies one session for each message. */

let verifier;

addEventListener('message', async ({ data }) => {
  try {
    if (data.wasm) {
      verifier = Verifier.load(data.wasm);
      await verifier;
      postMessage({ ready: true });
      return;
    }
    let { files } = data;
    if (data.bundle) {
      files = await (await verifier).openBundle(data.bundle, data.options.session);
      postMessage({ files });
    }
    const accepted = await (await verifier).verifySession(files, data.manifest, {
      ...data.options,
      onOpened: (opened) => postMessage({ opened }),
      onReceipt: (receipt) => postMessage({ receipt }),
    });
    postMessage({ accepted });
  } catch (error) {
    if (error instanceof Rejected) {
      postMessage({ rejected: { message: error.message, file: error.file, field: error.field } });
    } else {
      postMessage({ failed: error.message });
    }
  }
});
