# record: predictions-lost
# The backup over what is there: the last days are gone.
mlops restore backup --project monday
rm -r shop/.mlops
mv monday/.mlops shop/.mlops
rm -r monday
