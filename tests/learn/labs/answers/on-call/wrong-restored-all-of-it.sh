# record: predictions-lost
# The backup over what is there: the last days are gone.
mlops restore backup --project monday
rm -r "$PROJECT"/.mlops
mv monday/.mlops "$PROJECT"/.mlops
rm -r monday
