"""The compact vision-language model; the only part of the product that knows torch."""
