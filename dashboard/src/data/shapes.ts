// The API's objects under short names, from the generated types. Used by every page: import from here, not from api.gen.
import type { components, paths } from "./api.gen";

type Schemas = components["schemas"];

export type Alert = Schemas["AlertShape"];
export type Event = Schemas["EventShape"];
export type Gpu = Schemas["GpuShape"];
export type Job = Schemas["JobShape"];
export type Node = Schemas["NodeShape"];
export type OneJob = Schemas["OneJobShape"];
export type Problem = Schemas["ProblemShape"];
export type Spec = Schemas["SpecShape"];
export type Whoami = Schemas["WhoamiShape"];
export type Why = Schemas["WhyShape"];
export type Workload = Schemas["WorkloadShape"];

export type Method = "get" | "post" | "put" | "patch" | "delete";
/** The addresses that know this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<M extends Method, P extends keyof paths> = paths[P] extends Record<M, infer O> ? O : never;
type Content<R> = R extends { content: { "application/json": infer T } } ? T : undefined;

/** What a call answers when all is well. */
export type AnswerOf<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { responses: infer R } ? Content<R[keyof R]> : never;
/** What a call takes: `path`, `query` and `body` where it has them. */
export type AskOf<M extends Method, P extends keyof paths> = object &
  ParametersOf<Operation<M, P>> &
  BodyOf<Operation<M, P>>;

type Given<K extends string, T> = [T] extends [never] | [undefined]
  ? unknown
  : undefined extends T
    ? Partial<Record<K, T>>
    : Record<K, T>;
type ParametersOf<O> = O extends { parameters: { path?: infer Path; query?: infer Query } }
  ? Given<"path", Path extends undefined ? never : Path> & { query?: Query | undefined }
  : unknown;
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: infer R }
    ? Exclude<R, undefined> extends { content: { "application/json": infer B } }
      ? [Exclude<R, undefined>] extends [never]
        ? unknown
        : { body?: B | undefined }
      : unknown
    : unknown;
