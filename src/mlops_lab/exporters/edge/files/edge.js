// Answers rows of model inputs in the browser: the same model.onnx and preprocessing.json that predict.py reads.

async function read(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer;
}

async function loadRuntime() {
  try {
    const ort = await import("./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1; // more would need headers that a plain file server does not send
    return ort;
  } catch (error) {
    throw new Error(`onnxruntime-web does not load (${error.message}): run "npm install" in this folder`);
  }
}

// The folder's signature, and `predict`: it takes a list of rows (objects with every input; null: missing) and returns
// a list of answers, each a number, or a list with a number for each class.
export async function load() {
  const ort = await loadRuntime();
  const [signature, spec, model] = await Promise.all([
    read("signature.json").then((answer) => answer.json()),
    read("preprocessing.json").then((answer) => answer.json()),
    read("model.onnx").then((answer) => answer.arrayBuffer()),
  ]);
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const codes = new Map(
    Object.entries(spec.categories).map(([name, texts]) => [name, new Map(texts.map((text, code) => [text, code]))]),
  );
  const arrays = { float32: Float32Array, float64: Float64Array, string: Array };

  function prepare(row, number, name, missing) {
    if (!Object.hasOwn(row, name)) throw new Error(`row ${number} has no "${name}"; null means missing`);
    const value = codes.has(name) ? codes.get(name).get(row[name]) : row[name];
    return value === null || value === undefined ? missing : typeof value === "boolean" ? Number(value) : value;
  }

  async function predict(rows) {
    const feeds = {};
    for (const { name, type, inputs } of spec.tensors) {
      const missing = type === "string" ? "" : NaN;
      const cells = rows.flatMap((row, number) => inputs.map((input) => prepare(row, number, input, missing)));
      feeds[name] = new ort.Tensor(type, arrays[type].from(cells), [rows.length, inputs.length]);
    }
    const { data, dims } = (await session.run(feeds, [spec.output]))[spec.output];
    if (dims.length === 1) return Array.from(data);
    return rows.map((_, number) => Array.from(data.slice(number * dims[1], (number + 1) * dims[1])));
  }

  return { signature, predict };
}
