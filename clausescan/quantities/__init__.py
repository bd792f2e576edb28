"""Durations and sums of money in contract English, found in a list of words.

Knows "thirty (30) days", "30-day", "sixty days", "one hundred and twenty (120) business days", "30 or 60 days", "a month";
"$1,000,000", "US$ 2.5 million", "EUR 1.000.000,00", "one million dollars", "five hundred thousand (500,000) pounds sterling",
"Rs. Five lakhs", "1 234 567,89 EUR", "$1-2 million"; "1-1/2%", "one-half of one percent", "5 to 10%". Periods that are not whole
are left out, and so is what may be the half of a sum ("$1,000 000").
A number written twice with two values ("thirty (60) days") yields both readings: which one holds is not decided here.
"""

from clausescan.quantities.money import Money as Money
from clausescan.quantities.money import amounts as amounts
from clausescan.quantities.numerals import parse_digits as parse_digits
from clausescan.quantities.periods import Duration as Duration
from clausescan.quantities.periods import Percentage as Percentage
from clausescan.quantities.periods import durations as durations
from clausescan.quantities.periods import percentages as percentages
