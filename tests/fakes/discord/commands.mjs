// What Discord accepts as application commands.
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const length = (text) => [...text].length;
const SUBCOMMAND = 1;
const GROUP = 2;

/** @returns null, 30032, or [path, code, message] of the first thing that is wrong */
export function badCommands(commands) {
  if (!Array.isArray(commands)) return ["commands", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"];
  const ofType = (type) => commands.filter((command) => (command?.type ?? 1) === type);
  if (ofType(1).length > 100 || ofType(2).length > 15 || ofType(3).length > 15) return 30032;
  const seen = new Set();
  for (const [i, command] of commands.entries()) {
    const bad = badCommand(command, `${i}`);
    if (bad) return bad;
    const key = `${command.type ?? 1} ${command.name}`;
    if (seen.has(key)) return [`${i}.name`, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"];
    seen.add(key);
  }
  return null;
}

function badName(name, at) {
  if (typeof name !== "string") return [`${at}.name`, "BASE_TYPE_REQUIRED", "This field is required"];
  if (!NAME.test(name) || name !== name.toLowerCase()) return [`${at}.name`, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"];
  return null;
}

function badDescription(text, at) {
  if (typeof text !== "string") return [`${at}.description`, "BASE_TYPE_REQUIRED", "This field is required"];
  if (length(text) < 1 || length(text) > 100) return [`${at}.description`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."];
  return null;
}

function badCommand(command, at) {
  if (command === null || typeof command !== "object") return [at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"];
  const type = command.type ?? 1;
  if (type !== 1) {
    if (![2, 3, 4].includes(type)) return [`${at}.type`, "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4}."];
    if (typeof command.name !== "string" || length(command.name) < 1 || length(command.name) > 32) return [`${at}.name`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length."];
    if (command.description) return [`${at}.description`, "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", "Context menu commands cannot have description"];
    return null;
  }
  const bad = badName(command.name, at) ?? badDescription(command.description, at) ?? badOptions(command.options, `${at}.options`, 0);
  if (bad) return bad;
  if (size(command) > 8000) return [at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)"];
  return null;
}

function size({ name = "", description = "", options = [], choices = [] }) {
  const own = length(name) + length(description);
  return own + options.reduce((sum, option) => sum + size(option), 0) + choices.reduce((sum, { name: n, value }) => sum + length(`${n}`) + length(`${value}`), 0);
}

function badOptions(options, at, depth) {
  if (options === undefined || options === null) return null;
  if (!Array.isArray(options)) return [at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"];
  if (options.length > 25) return [at, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."];
  const names = new Set();
  let optional = false;
  for (const [i, option] of options.entries()) {
    const here = `${at}.${i}`;
    const bad = badName(option?.name, here) ?? badDescription(option?.description, here);
    if (bad) return bad;
    const { type } = option;
    if (!Number.isInteger(type) || type < 1 || type > 11) return [`${here}.type`, "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}."];
    if (names.has(option.name)) return [here, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists"];
    names.add(option.name);
    const nests = type === SUBCOMMAND || type === GROUP;
    if (nests && (depth > 1 || (type === GROUP && depth > 0))) return [`${here}.type`, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command option type is invalid here"];
    if (nests !== [SUBCOMMAND, GROUP].includes(options[0].type)) return [`${here}.type`, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-commands and other options exclude each other"];
    if (nests) {
      const inner = badOptions(option.options, `${here}.options`, depth + 1);
      if (inner) return inner;
      continue;
    }
    if (option.required && optional) return [here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options"];
    optional ||= !option.required;
    const choices = badChoices(option, here);
    if (choices) return choices;
  }
  return null;
}

function badChoices({ choices, type, autocomplete }, at) {
  if (choices === undefined || choices === null) return null;
  if (!Array.isArray(choices)) return [`${at}.choices`, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"];
  if (choices.length > 25) return [`${at}.choices`, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."];
  if (choices.length && ![3, 4, 10].includes(type)) return [`${at}.choices`, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices are for strings, integers and numbers"];
  if (choices.length && autocomplete) return [`${at}.choices`, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices and autocomplete exclude each other"];
  const names = new Set();
  for (const [i, { name, value } = {}] of choices.entries()) {
    const here = `${at}.choices.${i}`;
    if (typeof name !== "string" || length(name) < 1 || length(name) > 100) return [`${here}.name`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."];
    const fits = type === 3 ? typeof value === "string" && length(value) >= 1 && length(value) <= 100 : type === 4 ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!fits) return [`${here}.value`, "BASE_TYPE_BAD_LENGTH", "not a value for this type of option"];
    if (names.has(name)) return [`${here}.name`, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", "Choice name already exists"];
    names.add(name);
  }
  return null;
}
