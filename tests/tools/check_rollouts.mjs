// Check objects of Argo Rollouts with the validators made from its API: `node check_rollouts.mjs FILE`, a list in JSON.
// It fails with the first complaint, and prints the kinds that were checked.
import { readFileSync } from "node:fs";
import * as kinds from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1";

for (const object of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  new kinds[object.kind](object).validate();
  console.log(object.kind);
}
