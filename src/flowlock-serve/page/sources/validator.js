/**
 * rjsf's validator over @cfworker/json-schema, which needs no `eval`.
 *
 * rjsf uses it to choose among the branches of a union. The service says what is wrong with parameters.
 */

import { Validator } from "@cfworker/json-schema";
import { toErrorList } from "@rjsf/utils";
import { rounded } from "./exact.js";

const validators = new Map();

function validatorOf(schema) {
  if (!validators.has(schema)) validators.set(schema, new Validator(schema, "2020-12"));
  return validators.get(schema);
}

function isValid(schema, data, root) {
  try {
    return validatorOf(root?.$defs ? { ...schema, $defs: root.$defs } : schema).validate(rounded(data)).valid;
  } catch {
    // A pattern in Python's syntax, for instance.
    return false;
  }
}

const validator = {
  isValid,
  rawValidation: (schema, data) => ({ errors: validatorOf(schema).validate(rounded(data)).errors }),
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  toErrorList,
  reset: () => validators.clear(),
};

export default validator;
