// Users and tokens: the API's objects under short names. Used by page settings.
import type { components } from "./api.gen";

type Schemas = components["schemas"];

export type User = Schemas["UserShape"];
export type NewUser = Schemas["UserRequest"];
export type UserChange = Schemas["UserChange"];
export type Token = Schemas["TokenShape"];
export type NewToken = Schemas["TokenRequest"];
