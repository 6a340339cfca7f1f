// An object against the schema of its kind (kubernetes-models): values that it refuses, and members that it does not know.
const modules = {
  v1: "kubernetes-models/v1", "apps/v1": "kubernetes-models/apps/v1", "rbac.authorization.k8s.io/v1": "kubernetes-models/rbac.authorization.k8s.io/v1",
  "networking.k8s.io/v1": "kubernetes-models/networking.k8s.io/v1", "argoproj.io/v1alpha1": "@kubernetes-models/argo-cd/argoproj.io/v1alpha1",
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
  // The package ends at v1beta1; what is used here is the same in v1.
  "external-secrets.io/v1": "@kubernetes-models/external-secrets/external-secrets.io/v1beta1",
};

/** Notes which members are looked at: a validator looks at those that its schema names, and lists those of a map. */
function watched(value, path, seen) {
  if (value === null || typeof value !== "object") return value;
  const known = seen.get(path) ?? new Set();
  seen.set(path, known);
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === "string") known.add(key);
      const child = target[key];
      return typeof key === "symbol" || typeof child === "function" ? child : watched(child, `${path}/${key}`, seen);
    },
    ownKeys(target) {
      for (const key of Object.keys(target)) known.add(key);
      return Reflect.ownKeys(target);
    },
  });
}

function unknown(value, path, seen, found) {
  if (value === null || typeof value !== "object") return;
  for (const [key, child] of Object.entries(value)) {
    if (!Array.isArray(value) && !seen.get(path)?.has(key)) found.push(`${path}/${key}: no such member`);
    else unknown(child, `${path}/${key}`, seen, found);
  }
}

/** @returns what is wrong, a line each */
export async function schemaProblems(object) {
  const name = `${object.kind} ${object.metadata?.name}`;
  const module = modules[object.apiVersion];
  const Model = module && (await import(module))[object.kind];
  if (!Model) return [`${name}: no schema for ${object.apiVersion}`];
  const seen = new Map();
  const model = new Model({});
  const found = [];
  try {
    // The model's own copy would hide from us what is looked at.
    Object.assign(model, { toJSON: undefined });
    for (const key of Object.keys(object)) Object.defineProperty(model, key, { value: watched(object[key], `/${key}`, seen), enumerable: true, configurable: true });
    if (object.kind === "ExternalSecret") model.apiVersion = Model.apiVersion;
    model.validate();
  } catch (error) {
    found.push(error.message);
  }
  for (const key of Object.keys(object)) if (key !== "apiVersion" && key !== "kind") unknown(object[key], `/${key}`, seen, found);
  return found.map((problem) => `${name}: ${problem}`);
}
