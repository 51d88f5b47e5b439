// For what writes figures beside components/Quantity.tsx.
export { grouped, type Quantity } from "../data/format/quantity";
