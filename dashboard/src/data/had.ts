// What was had of GPUs, and what may be: the API's objects under short names. Used by page usage.
import type { components } from "./api.gen";

type Schemas = components["schemas"];

export type Use = Schemas["UseShape"];
export type UseRow = Schemas["UseRowShape"];
export type UsageReport = Schemas["UsageReportShape"];
export type Limits = Schemas["LimitsShape"];
export type Standing = Schemas["UsageShape"];
export type Account = Schemas["AccountShape"];
